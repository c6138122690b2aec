/* device.h: the device that tests of a file share, the processor. */
#pragma once
#include "gpu/tensor.h"

static struct device *device;

static int device_setup(void **state)
{
	(void)state;
	struct error e;
	return device_open("cpu", &device, &e);
}

static int device_teardown(void **state)
{
	(void)state;
	device_free(device);
	return 0;
}
