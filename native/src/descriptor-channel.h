// One end of a channel: a connected SEQPACKET unix socket in the event loop.
#ifndef EMPEROR_NATIVE_DESCRIPTOR_CHANNEL_H_
#define EMPEROR_NATIVE_DESCRIPTOR_CHANNEL_H_

#if defined(__linux__)

#include <napi.h>

#include <memory>
#include <optional>

#include "poll-watch.h"
#include "socket.h"

class DescriptorChannel : public PollWatch {
 public:
  DescriptorChannel(Napi::Env env, Descriptor fd);

  /** Who is told: an object with `onMessage` and `onEnd`. False, and a TypeError pending, where it is none. */
  bool SetHandler(Napi::Value handler);

  /** The object that JavaScript holds, with `send` and `close`. */
  static Napi::Object ObjectOf(Napi::Env env, const std::shared_ptr<DescriptorChannel>& channel);

 private:
  void OnReadable() override;
  void OnClose() override;
  bool ReceiveOne();
  void End(int error);
  Napi::Value Send(const Napi::CallbackInfo& info);

  Napi::ObjectReference handler_;
  Napi::FunctionReference on_message_;
  Napi::FunctionReference on_end_;
};

#endif

#endif  // EMPEROR_NATIVE_DESCRIPTOR_CHANNEL_H_
