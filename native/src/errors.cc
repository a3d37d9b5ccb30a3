// Builds the errors that errors.h describes. Names and meanings come from libuv, so that they are Node's own words.
#include "errors.h"

#include <uv.h>

Napi::Error SystemError(Napi::Env env, int error, const char* syscall, const std::string& detail) {
  // On every unix libuv's codes are the negated errno values (uv/errno.h).
  const int uv_code = -error;
  char name[64];
  char meaning[256];
  uv_err_name_r(uv_code, name, sizeof(name));
  uv_strerror_r(uv_code, meaning, sizeof(meaning));
  std::string message = std::string(syscall) + " " + name + ": " + meaning;
  if (!detail.empty()) message += " " + detail;
  Napi::Error thrown = Napi::Error::New(env, message);
  thrown.Set("errno", Napi::Number::New(env, uv_code));
  thrown.Set("code", Napi::String::New(env, name));
  thrown.Set("syscall", Napi::String::New(env, syscall));
  return thrown;
}

Napi::Value ThrowSystemError(Napi::Env env, int error, const char* syscall, const std::string& detail) {
  SystemError(env, error, syscall, detail).ThrowAsJavaScriptException();
  return Napi::Value();
}

void ThrowTypeError(Napi::Env env, const char* code, const std::string& message) {
  Napi::TypeError thrown = Napi::TypeError::New(env, message);
  thrown.Set("code", Napi::String::New(env, code));
  thrown.ThrowAsJavaScriptException();
}

void ThrowRangeError(Napi::Env env, const std::string& message) {
  Napi::RangeError thrown = Napi::RangeError::New(env, message);
  thrown.Set("code", Napi::String::New(env, "ERR_OUT_OF_RANGE"));
  thrown.ThrowAsJavaScriptException();
}
