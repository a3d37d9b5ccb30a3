// Wake-ups. Commands are executed before the microtasks that the batch left: these may begin turns of their own, whose
// commands would take the places of the ones that are still to be executed.
#include "reactor-watch.h"

#include <string>

#include "../errors.h"

namespace {

template <typename Type>
Type* MemoryOf(Napi::ArrayBuffer buffer) {
  return static_cast<Type*>(buffer.Data());
}

SharedMemory MemoryOf(const SharedArrays& arrays) {
  return {MemoryOf<uint8_t>(arrays.slab), MemoryOf<uint8_t>(arrays.outgoing), MemoryOf<Record>(arrays.events),
          MemoryOf<Record>(arrays.commands), MemoryOf<uint32_t>(arrays.pending)};
}

Napi::Array ListOf(Napi::Env env, const SharedArrays& arrays) {
  Napi::Array list = Napi::Array::New(env);
  uint32_t position = 0;
  for (const Napi::ArrayBuffer& buffer :
       {arrays.slab, arrays.outgoing, arrays.events, arrays.commands, arrays.pending}) {
    list.Set(position++, buffer);
  }
  return list;
}

}  // namespace

ReactorWatch::ReactorWatch(Napi::Env env, Descriptor epoll_fd, const SharedArrays& arrays, const ReactorLimits& limits,
                           const Napi::Function& on_batch)
    : PollWatch(env, std::move(epoll_fd), "EmperorReactor"),
      reactor_(Fd(), MemoryOf(arrays), limits),
      on_batch_(Napi::Persistent(on_batch)),
      arrays_(Napi::Persistent(ListOf(env, arrays))) {}

void ReactorWatch::OnReadable() {
  is_in_batch_ = true;
  const uint32_t count = reactor_.Collect();
  if (count > 0) Tell(count);
  is_in_batch_ = false;
  Settle();
}

void ReactorWatch::OnClose() {
  reactor_.Close();
  on_batch_.Reset();
}

void ReactorWatch::Tell(uint32_t event_count) {
  Napi::Env env = Env();
  Napi::HandleScope scope(env);
  Napi::CallbackScope callback_scope(env, Context());
  // By the plain interface: where the thread is being terminated a call fails without an exception, which the wrapper
  // takes for a bug and aborts.
  napi_value argument = Napi::Number::New(env, event_count);
  napi_value result = nullptr;
  uint32_t command_count = 0;
  const bool is_told = napi_call_function(env, env.Global(), on_batch_.Value(), 1, &argument, &result) == napi_ok;
  if (is_told && napi_get_value_uint32(env, result, &command_count) == napi_ok) Execute(command_count);
  bool has_thrown = false;
  if (napi_is_exception_pending(env, &has_thrown) != napi_ok || !has_thrown) return;
  // What the callback throws is an uncaught exception, as from any callback of Node's own.
  napi_value thrown = nullptr;
  if (napi_get_and_clear_last_exception(env, &thrown) == napi_ok) napi_fatal_exception(env, thrown);
}

void ReactorWatch::Execute(uint32_t count) {
  // Within a batch it may have closed itself.
  if (IsClosed() || (count <= reactor_.MostCommands() && reactor_.Execute(count))) return;
  ThrowRangeError(Env(), "A command is wrong: its kind is unknown, or its bytes lie outside of their buffer");
}

void ReactorWatch::Settle() {
  if (is_in_batch_ || IsClosed()) return;
  reactor_.Settle();
  const bool is_busy = reactor_.IsBusy();
  if (is_busy == is_keeping_alive_) return;
  is_keeping_alive_ = is_busy;
  KeepLoopAlive(is_busy);
}
