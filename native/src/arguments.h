// Reads and checks the arguments of a call. A reader that returns nothing has thrown: the caller returns at once.
#ifndef EMPEROR_NATIVE_ARGUMENTS_H_
#define EMPEROR_NATIVE_ARGUMENTS_H_

#include <napi.h>

#include <optional>
#include <string>
#include <vector>

struct Range {
  int lowest;
  int highest;
};

/** A whole number within the range. */
std::optional<int> IntegerArgument(const Napi::CallbackInfo& info, size_t index, const char* name, Range range);

/** The same check for a value that is not an argument itself but an element of one. */
std::optional<int> IntegerValue(Napi::Value value, const std::string& name, Range range);

/** An open file's number: checked to be one that could be, not that it is open. */
std::optional<int> DescriptorArgument(const Napi::CallbackInfo& info, size_t index);

/** A string that is not empty and holds no NUL, which would end it early in a system call. */
std::optional<std::string> StringArgument(const Napi::CallbackInfo& info, size_t index, const char* name);

/** A Uint8Array of 1 to `most` bytes. */
std::optional<Napi::Uint8Array> BytesArgument(const Napi::CallbackInfo& info, size_t index, size_t most);

/** The numbers in an array of at most `most` descriptors. */
std::optional<std::vector<int>> DescriptorsArgument(const Napi::CallbackInfo& info, size_t index, size_t most);

std::optional<Napi::Function> FunctionArgument(const Napi::CallbackInfo& info, size_t index, const char* name);

#endif  // EMPEROR_NATIVE_ARGUMENTS_H_
