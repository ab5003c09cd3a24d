// What tch does not bind of libtorch: whether algorithms are deterministic, and what it was built for. Only functions that libtorch
// has had for years, so that older ones will do.

#include <ATen/Context.h>
#include <ATen/Version.h>
#include <c10/util/Exception.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>

namespace {

// libtorch warns that newer functions rule TF32 too; those are others in each release.
class Silence : public c10::WarningHandler {
 public:
  void process(const c10::Warning&) override {}
};

char* copied(const std::string& text) {
  char* copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy != nullptr) {
    std::memcpy(copy, text.c_str(), text.size() + 1);
  }
  return copy;
}

// Errors must not cross into Rust: 0, or 1 with what went wrong in `*problem`, which the caller frees.
template <typename Work>
int guarded(char** problem, Work work) {
  try {
    Silence silence;
    c10::WarningUtils::WarningHandlerGuard guard(&silence);
    work();
    return 0;
  } catch (const std::exception& error) {
    *problem = copied(error.what());
  } catch (...) {
    *problem = copied("unknown error");
  }
  return 1;
}

}  // namespace

extern "C" {

int ocs_set_deterministic(int on, char** problem) {
  return guarded(problem, [on] {
    auto& context = at::globalContext();
    const bool exact = on != 0;
    // An operation without a deterministic implementation raises, rather than warns.
    context.setDeterministicAlgorithms(exact, false);
    // Nothing here reads what it did not write, and filling costs a pass over each new tensor.
    context.setDeterministicFillUninitializedMemory(false);
    context.setDeterministicCuDNN(exact);
    context.setBenchmarkCuDNN(!exact);
    context.setAllowTF32CuBLAS(!exact);
    context.setAllowTF32CuDNN(!exact);
  });
}

// Bits: 1 deterministic algorithms, 2 deterministic cuDNN, 4 cuDNN's benchmark, 8 TF32 in cuBLAS, 16 TF32 in cuDNN, 32 new memory
// filled.
int ocs_determinism(int* bits, char** problem) {
  return guarded(problem, [bits] {
    const auto& context = at::globalContext();
    *bits = (context.deterministicAlgorithms() ? 1 : 0) | (context.deterministicCuDNN() ? 2 : 0) |
        (context.benchmarkCuDNN() ? 4 : 0) | (context.allowTF32CuBLAS() ? 8 : 0) |
        (context.allowTF32CuDNN() ? 16 : 0) |
        (context.deterministicAlgorithms() && context.deterministicFillUninitializedMemory() ? 32 : 0);
  });
}

// How libtorch was built, with the GPUs that it was built for; the caller frees it.
int ocs_build_settings(char** text, char** problem) {
  return guarded(problem, [text] { *text = copied(at::show_config()); });
}

}  // extern "C"
