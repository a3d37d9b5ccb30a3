// Errors shaped as Node's own: a system error has `code`, `errno` (negative), `syscall` and the message
// "<syscall> <CODE>: <what it means> <detail>"; a wrong argument is a TypeError or RangeError with an ERR_ code.
#ifndef EMPEROR_NATIVE_ERRORS_H_
#define EMPEROR_NATIVE_ERRORS_H_

#include <napi.h>

#include <string>

/** The error of a failed system call; `error` is a positive errno. The caller may add properties, then throws it. */
Napi::Error SystemError(Napi::Env env, int error, const char* syscall, const std::string& detail = "");

/** Throws SystemError; the empty value is for `return`. */
Napi::Value ThrowSystemError(Napi::Env env, int error, const char* syscall, const std::string& detail = "");

/** A value of the right type that makes no sense, or one of the wrong type: `code` says which. */
void ThrowTypeError(Napi::Env env, const char* code, const std::string& message);

/** A number, length or count out of bounds (ERR_OUT_OF_RANGE). */
void ThrowRangeError(Napi::Env env, const std::string& message);

#endif  // EMPEROR_NATIVE_ERRORS_H_
