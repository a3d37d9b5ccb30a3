// Argument checks with the words and codes of Node's own validators. They convert nothing: "80" is not a port.
#include "arguments.h"

#include <climits>
#include <cmath>

#include "errors.h"

std::optional<int> IntegerArgument(const Napi::CallbackInfo& info, size_t index, const char* name, Range range) {
  return IntegerValue(info[index], name, range);
}

std::optional<int> IntegerValue(Napi::Value value, const std::string& name, Range range) {
  Napi::Env env = value.Env();
  if (!value.IsNumber()) {
    ThrowTypeError(env, "ERR_INVALID_ARG_TYPE", "The \"" + name + "\" argument must be a number");
    return std::nullopt;
  }
  const double number = value.As<Napi::Number>().DoubleValue();
  // Written so that NaN fails too.
  const bool fits = number >= range.lowest && number <= range.highest && std::floor(number) == number;
  if (!fits) {
    ThrowRangeError(env, "The value of \"" + name + "\" is out of range: it must be a whole number from " +
                             std::to_string(range.lowest) + " to " + std::to_string(range.highest) + ", not " +
                             value.ToString().Utf8Value());
    return std::nullopt;
  }
  return static_cast<int>(number);
}

std::optional<int> DescriptorArgument(const Napi::CallbackInfo& info, size_t index) {
  return IntegerArgument(info, index, "fd", {0, INT_MAX});
}

std::optional<std::string> StringArgument(const Napi::CallbackInfo& info, size_t index, const char* name) {
  Napi::Env env = info.Env();
  if (!info[index].IsString()) {
    ThrowTypeError(env, "ERR_INVALID_ARG_TYPE", "The \"" + std::string(name) + "\" argument must be a string");
    return std::nullopt;
  }
  std::string text = info[index].As<Napi::String>().Utf8Value();
  if (text.empty() || text.find('\0') != std::string::npos) {
    ThrowTypeError(env, "ERR_INVALID_ARG_VALUE",
                   "The \"" + std::string(name) + "\" argument must not be empty nor hold a NUL character");
    return std::nullopt;
  }
  return text;
}

std::optional<Napi::Uint8Array> BytesArgument(const Napi::CallbackInfo& info, size_t index, size_t most) {
  Napi::Env env = info.Env();
  const bool is_bytes =
      info[index].IsTypedArray() && info[index].As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array;
  if (!is_bytes) {
    ThrowTypeError(env, "ERR_INVALID_ARG_TYPE", "The \"bytes\" argument must be a Uint8Array");
    return std::nullopt;
  }
  Napi::Uint8Array bytes = info[index].As<Napi::Uint8Array>();
  if (bytes.ByteLength() == 0) {
    // Descriptors travel with a byte; a stream socket would silently drop them together with an empty message.
    ThrowRangeError(env, "The \"bytes\" argument must hold at least one byte");
    return std::nullopt;
  }
  if (bytes.ByteLength() > most) {
    ThrowRangeError(env, "The \"bytes\" argument must hold at most " + std::to_string(most) + " bytes, not " +
                             std::to_string(bytes.ByteLength()));
    return std::nullopt;
  }
  return bytes;
}

std::optional<std::vector<int>> DescriptorsArgument(const Napi::CallbackInfo& info, size_t index, size_t most) {
  Napi::Env env = info.Env();
  if (!info[index].IsArray()) {
    ThrowTypeError(env, "ERR_INVALID_ARG_TYPE", "The \"descriptors\" argument must be an array");
    return std::nullopt;
  }
  const Napi::Array array = info[index].As<Napi::Array>();
  if (array.Length() > most) {
    ThrowRangeError(env, "At most " + std::to_string(most) + " descriptors go with one message, not " +
                             std::to_string(array.Length()));
    return std::nullopt;
  }
  std::vector<int> descriptors;
  for (uint32_t position = 0; position < array.Length(); position++) {
    const Napi::Value element = array.Get(position);
    if (env.IsExceptionPending()) return std::nullopt;
    const auto fd = IntegerValue(element, "descriptors[" + std::to_string(position) + "]", {0, INT_MAX});
    if (!fd) return std::nullopt;
    descriptors.push_back(*fd);
  }
  return descriptors;
}

std::optional<Napi::Function> FunctionArgument(const Napi::CallbackInfo& info, size_t index, const char* name) {
  if (info[index].IsFunction()) return info[index].As<Napi::Function>();
  ThrowTypeError(info.Env(), "ERR_INVALID_ARG_TYPE", "The \"" + std::string(name) + "\" argument must be a function");
  return std::nullopt;
}
