// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * uuidt.c - module that asks for the UUID of a dma-buf, as another virtio
 * driver would
 *
 * insmod uuidt.ko fd=N: the UUID is in /sys/module/uuidt/parameters/uuid, or the
 * error is that of the loading.
 */
#include <linux/dma-buf.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/virtio_dma_buf.h>

static int fd = -1;
module_param(fd, int, 0);
static char uuid[UUID_STRING_LEN + 1];
module_param_string(uuid, uuid, sizeof(uuid), 0400);

static int __init uuidt_init(void)
{
	struct file *file = fget(fd);
	uuid_t id;
	int ret;

	if (!file)
		return -EBADF;
	ret = virtio_dma_buf_get_uuid(file->private_data, &id);
	if (!ret)
		snprintf(uuid, sizeof(uuid), "%pUb", &id);
	fput(file);
	return ret;
}
module_init(uuidt_init);

static void __exit uuidt_exit(void)
{
}
module_exit(uuidt_exit);

MODULE_DESCRIPTION("asks for the UUID of a dma-buf");
MODULE_LICENSE("Dual MIT/GPL");
