// What this addon was compiled with, for native/index.ts to compare with its own tables.
#include "../functions.h"
#include "protocol.h"

namespace {

template <size_t kCount>
Napi::Object ObjectOf(Napi::Env env, const NamedKind (&kinds)[kCount]) {
  Napi::Object object = Napi::Object::New(env);
  for (const NamedKind& kind : kinds) object.Set(kind.name, Napi::Number::New(env, kind.value));
  return object;
}

}  // namespace

Napi::Value ReactorLayout(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Napi::Object layout = Napi::Object::New(env);
  layout.Set("recordLength", Napi::Number::New(env, kRecordLength));
  layout.Set("eventKinds", ObjectOf(env, kEventKinds));
  layout.Set("commandKinds", ObjectOf(env, kCommandKinds));
  layout.Set("connectInProgress", Napi::Number::New(env, kConnectInProgress));
  layout.Set("portShift", Napi::Number::New(env, kPortShift));
  return layout;
}
