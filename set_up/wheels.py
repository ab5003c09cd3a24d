"""Which files set-up brings, to the byte: torch and what its C++ libraries load, as the index has them."""

import collections

TORCH = "2.13.0"

# `file` is the name in the index, `size` its bytes. The wheel of torch is for one fixed Python: only its C++ libraries
# are used, so the reader's own Python does not matter.
Wheel = collections.namedtuple("Wheel", "name version file sha256 size")


def _wheel(file, sha256, size):
    name, version = file.split("-")[:2]
    return Wheel(name.replace("_", "-"), version, file, sha256, size)


# libtorch_cpu.so itself needs the CUDA runtime and cupti, on a machine without a GPU too.
CPU = [
    _wheel("torch-2.13.0-cp312-cp312-manylinux_2_28_x86_64.whl",
           "796633c4cdf0fe2cdced72d8f88f22e73dbcfce83132763162f6d4bff13b820b", 526605292),
    _wheel("nvidia_cuda_cupti-13.0.85-py3-none-manylinux_2_25_x86_64.whl",
           "4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8", 10715597),
    _wheel("nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
           "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548", 2243632),
]
CUDA = CPU + [
    _wheel("nvidia_cudnn_cu13-9.20.0.48-py3-none-manylinux_2_27_x86_64.whl",
           "0c45dd8eeb50b603f07995b1b300c62ffe6a1980482b82b3bcf94a4ca9d49304", 366173588),
    _wheel("nvidia_cusparselt_cu13-0.8.1-py3-none-manylinux2014_x86_64.whl",
           "786ce87568c303fadb5afcc7102d454cd3040d75f6f8626f5db460d1871f4dd0", 170148586),
    _wheel("nvidia_nccl_cu13-2.29.7-py3-none-manylinux_2_18_x86_64.whl",
           "edd81538446786ec3b73972543e53bb43bcaf0bfc8ef76cb679fcc390ffe136d", 205976000),
    _wheel("nvidia_nvshmem_cu13-3.4.5-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
           "290f0a2ee94c9f3687a02502f3b9299a9f9fe826e6d0287ee18482e78d495b80", 60412546),
    _wheel("nvidia_cublas-13.1.1.3-py3-none-manylinux_2_27_x86_64.whl",
           "37936a16db8fe4ac1f065c2139360608a543a09275cb1a1af612e08cfa065436", 423138758),
    _wheel("nvidia_cuda_nvrtc-13.0.88-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl",
           "ad9b6d2ead2435f11cbb6868809d2adeeee302e9bb94bcf0539c7a40d80e8575", 90215200),
    _wheel("nvidia_cufft-12.0.0.61-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
           "6c44f692dce8fd5ffd3e3df134b6cdb9c2f72d99cf40b62c32dde45eea9ddad3", 214085489),
    _wheel("nvidia_cufile-1.15.1.6-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
           "08a3ecefae5a01c7f5117351c64f17c7c62efa5fffdbe24fc7d298da19cd0b44", 1223672),
    _wheel("nvidia_curand-10.4.0.35-py3-none-manylinux_2_27_x86_64.whl",
           "1aee33a5da6e1db083fe2b90082def8915f30f3248d5896bcec36a579d941bfc", 59544258),
    _wheel("nvidia_cusolver-12.0.4.66-py3-none-manylinux_2_27_x86_64.whl",
           "0a759da5dea5c0ea10fd307de75cdeb59e7ea4fcb8add0924859b944babf1112", 200941980),
    _wheel("nvidia_cusparse-12.6.3.3-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
           "2b3c89c88d01ee0e477cb7f82ef60a11a4bcd57b6b87c33f789350b59759360b", 145942937),
    _wheel("nvidia_nvtx-13.0.85-py3-none-manylinux1_x86_64.manylinux_2_5_x86_64.whl",
           "4936d1d6780fbe68db454f5e72a42ff64d1fd6397df9f363ae786930fd5c1cd4", 148047),
    _wheel("nvidia_nvjitlink-13.5.37-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl",
           "280d7cb9649704145f074b8dbde500de04ce02d0872e066e20a83c17bcaa93eb", 46642491),
]

CPU_MEMBERS = (
    "torch/include/",
    "torch/lib/libtorch_cpu.so",
    "torch/lib/libtorch.so",
    "torch/lib/libc10.so",
    "torch/lib/libgomp.so.1",
    "nvidia/cu13/lib/libcudart.so.13",
    "nvidia/cu13/lib/libcupti.so.13",
)
CUDA_MEMBERS = ("torch/include/", "torch/lib/", "nvidia/")
# What remains of both once unpacked, about, in bytes.
CPU_UNPACKED, CUDA_UNPACKED = 490_000_000, 3_950_000_000
