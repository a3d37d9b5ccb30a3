// The one lifetime of everything that the event loop polls for us. The descriptor goes only after epoll has forgotten
// it, the object only after the loop has forgotten the handle.
#include "poll-watch.h"

namespace {

/**
 * An environment that ends runs its loop to the end, but no JavaScript. Node-API has no question for it, only answers:
 * this conversion does nothing, and is refused then like any other call.
 */
bool MayCallJavaScript(Napi::Env env) {
  const Napi::HandleScope scope(env);
  napi_value result = nullptr;
  return napi_coerce_to_bool(env, env.Undefined(), &result) == napi_ok;
}

}  // namespace

PollWatch::PollWatch(Napi::Env env, Descriptor fd, const char* name)
    : env_(env), fd_(std::move(fd)), context_(env, name) {}

int PollWatch::Open(const std::shared_ptr<PollWatch>& self) {
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(self->env_, &loop) != napi_ok) return UV_EINVAL;
  int code = uv_poll_init(loop, &self->poll_, self->fd_.Get());
  if (code != 0) return code;
  self->poll_.data = self.get();
  self->self_ = self;
  // A worker thread's loop may not be closed with our handle on it, so its end has to wait for ours.
  napi_add_async_cleanup_hook(self->env_, OnEnvironmentEnd, self.get(), &self->cleanup_hook_);
  code = uv_poll_start(&self->poll_, UV_READABLE, OnPoll);
  if (code != 0) {
    self->Close();
    return code;
  }
  uv_unref(reinterpret_cast<uv_handle_t*>(&self->poll_));
  return 0;
}

void PollWatch::Close() {
  if (is_closed_) return;
  is_closed_ = true;
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_), OnHandleClosed);
  // uv_close has taken the number off epoll already, which must happen before it can be used again.
  fd_.Close();
  OnClose();
}

void PollWatch::KeepLoopAlive(bool is_kept) {
  auto* handle = reinterpret_cast<uv_handle_t*>(&poll_);
  if (is_kept) {
    uv_ref(handle);
  } else {
    uv_unref(handle);
  }
}

void PollWatch::OnPoll(uv_poll_t* poll, int status, int) {
  // The kind may close itself, and with that be let go by everybody else, while it is at work.
  const std::shared_ptr<PollWatch> self = static_cast<PollWatch*>(poll->data)->self_;
  if (!MayCallJavaScript(self->env_)) {
    self->Close();
    return;
  }
  // libuv polls no more once the socket has a fault (EPOLLERR). Whoever reads it next is told which, and what came
  // before it is still to be read.
  if (status < 0 && uv_poll_start(poll, UV_READABLE, OnPoll) != 0) {
    self->Close();
    return;
  }
  self->OnReadable();
}

void PollWatch::OnHandleClosed(uv_handle_t* handle) {
  auto* watch = static_cast<PollWatch*>(handle->data);
  // Last use of `watch` here; the closures that JavaScript holds may keep it for longer.
  const std::shared_ptr<PollWatch> self = std::move(watch->self_);
  if (self->cleanup_hook_ != nullptr) napi_remove_async_cleanup_hook(self->cleanup_hook_);
}

void PollWatch::OnEnvironmentEnd(napi_async_cleanup_hook_handle, void* data) {
  static_cast<PollWatch*>(data)->Close();
}

Napi::Value PollWatch::Call(const Napi::Function& callback, const std::vector<napi_value>& arguments,
                            Napi::Object receiver) {
  const Napi::Object on = receiver.IsEmpty() ? Napi::Object::New(env_) : receiver;
  const Napi::Value result = callback.MakeCallback(on, arguments, context_);
  if (!env_.IsExceptionPending()) return result;
  napi_fatal_exception(env_, env_.GetAndClearPendingException().Value());
  return Napi::Value();
}

Napi::Object CloserOf(Napi::Env env, const std::shared_ptr<PollWatch>& watch) {
  Napi::Object closer = Napi::Object::New(env);
  closer.Set("close", Napi::Function::New(
                          env, [watch](const Napi::CallbackInfo&) { watch->Close(); }, "close"));
  return closer;
}
