// A device guard that does nothing: with it a build of torch without CUDA has CUDA tensors that
// need gradients, as far as they are fake ones.
#include <c10/core/impl/DeviceGuardImplInterface.h>

namespace {
using Guard = c10::impl::NoOpDeviceGuardImpl<c10::DeviceType::CUDA>;
c10::impl::DeviceGuardImplRegistrar registered(c10::DeviceType::CUDA, new Guard());
}  // namespace
