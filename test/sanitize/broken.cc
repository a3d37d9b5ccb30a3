// Broken on purpose, in the way that the environment names, as soon as it is loaded: proves that a report arrives.
#include <climits>
#include <cstdlib>
#include <cstring>

namespace {

volatile int sink;

void UseAfterFree(int one) {
  auto* numbers = static_cast<volatile int*>(malloc(sizeof(int) * 4));
  free(const_cast<int*>(numbers));
  sink = numbers[one];
}

void Overflow(int one) {
  auto* numbers = static_cast<volatile int*>(malloc(sizeof(int) * 4));
  sink = numbers[3 + one];
  free(const_cast<int*>(numbers));
}

void Undefined(int one) {
  int most = INT_MAX;
  sink = most + one;
}

__attribute__((constructor)) void Break() {
  const char* how = getenv("BROKEN_BY");
  if (how == nullptr) return;
  // Not known to the compiler, which would see through all this.
  const int one = static_cast<int>(strlen(how) > 0);
  if (strcmp(how, "use-after-free") == 0) UseAfterFree(one);
  if (strcmp(how, "overflow") == 0) Overflow(one);
  if (strcmp(how, "undefined") == 0) Undefined(one);
}

}  // namespace
