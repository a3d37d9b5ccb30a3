// The functions that JavaScript sees. Each checks its arguments, makes its system calls and either returns a value
// or leaves a JavaScript exception pending; C++ exceptions are off.
#ifndef EMPEROR_NATIVE_FUNCTIONS_H_
#define EMPEROR_NATIVE_FUNCTIONS_H_

#include <napi.h>

Napi::Value ListenTcp(const Napi::CallbackInfo& info);
Napi::Value ListenUnix(const Napi::CallbackInfo& info);
Napi::Value LocalPort(const Napi::CallbackInfo& info);

Napi::Value CloseDescriptor(const Napi::CallbackInfo& info);
Napi::Value DuplicateDescriptor(const Napi::CallbackInfo& info);
Napi::Value ShutdownSocket(const Napi::CallbackInfo& info);
Napi::Value AbortSocket(const Napi::CallbackInfo& info);
Napi::Value SetBlocking(const Napi::CallbackInfo& info);
Napi::Value SetCloseOnExec(const Napi::CallbackInfo& info);
Napi::Value SendDescriptors(const Napi::CallbackInfo& info);
Napi::Value ReceiveDescriptors(const Napi::CallbackInfo& info);
Napi::Value SocketPair(const Napi::CallbackInfo& info);
Napi::Value CreatePipe(const Napi::CallbackInfo& info);

Napi::Value PeerCredentials(const Napi::CallbackInfo& info);

Napi::Value OpenNotifySocket(const Napi::CallbackInfo& info);
Napi::Value SendNotification(const Napi::CallbackInfo& info);

Napi::Value BecomeSubreaper(const Napi::CallbackInfo& info);
Napi::Value Reap(const Napi::CallbackInfo& info);
Napi::Value SetParentDeathSignal(const Napi::CallbackInfo& info);

Napi::Value OpenChannelServer(const Napi::CallbackInfo& info);
Napi::Value ConnectChannel(const Napi::CallbackInfo& info);
Napi::Value CreateSharedBytes(const Napi::CallbackInfo& info);
Napi::Value MapSharedBytes(const Napi::CallbackInfo& info);

Napi::Value WatchProcess(const Napi::CallbackInfo& info);
Napi::Value Execute(const Napi::CallbackInfo& info);

Napi::Value CreateReactor(const Napi::CallbackInfo& info);
Napi::Value ReactorLayout(const Napi::CallbackInfo& info);

#endif  // EMPEROR_NATIVE_FUNCTIONS_H_
