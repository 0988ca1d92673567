"""Building the kernels ahead, for wheels and images: `make kernels`."""
