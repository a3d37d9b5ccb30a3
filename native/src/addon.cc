// The addon's table of functions: what native/index.ts declares as NativeAddon, name by name. It holds no state
// of its own, so every worker thread may load it.
#include "functions.h"

namespace {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  const auto add = [&](const char* name, Napi::Value (*function)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  add("listenTcp", ListenTcp);
  add("listenUnix", ListenUnix);
  add("localPort", LocalPort);
  add("closeDescriptor", CloseDescriptor);
  add("duplicateDescriptor", DuplicateDescriptor);
  add("shutdownSocket", ShutdownSocket);
  add("abortSocket", AbortSocket);
  add("setBlocking", SetBlocking);
  add("setCloseOnExec", SetCloseOnExec);
  add("peerCredentials", PeerCredentials);
  add("sendDescriptors", SendDescriptors);
  add("receiveDescriptors", ReceiveDescriptors);
  add("socketPair", SocketPair);
  add("createPipe", CreatePipe);
  add("openChannelServer", OpenChannelServer);
  add("connectChannel", ConnectChannel);
  add("createSharedBytes", CreateSharedBytes);
  add("mapSharedBytes", MapSharedBytes);
  add("openNotifySocket", OpenNotifySocket);
  add("sendNotification", SendNotification);
  add("becomeSubreaper", BecomeSubreaper);
  add("reap", Reap);
  add("setParentDeathSignal", SetParentDeathSignal);
  add("watchProcess", WatchProcess);
  add("execute", Execute);
  add("createReactor", CreateReactor);
  add("reactorLayout", ReactorLayout);
  return exports;
}

}  // namespace

NODE_API_MODULE(NODE_GYP_MODULE_NAME, Init)
