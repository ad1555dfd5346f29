#!/bin/bash
# SPDX-License-Identifier: MIT
# test-ours.sh - vgpu.ko on our back end: takes the device over, renders, goes
. "$(dirname "$0")/lib.sh"
mkdir -p "$work/inject"
cp "$B/tests/vm/gpu-load" "$work/inject/"

# i386, without the libraries that a 64-bit machine need not have for it
cc -m32 -O1 -ffreestanding -fno-stack-protector -fno-pic -no-pie -nostdlib -static -I. \
	-I"/usr/include/$(uname -m)-linux-gnu" $(pkg-config --cflags libdrm) -o "$work/inject/compat32" tests/vm/compat32.c

takes_over() { # the in-tree driver is in the image, and stays out
	vm vm 10 'cat /run/driver.log; lsmod' > "$work/lsmod.txt"
	grep -q '^vgpu ' "$work/lsmod.txt" && ! grep -q '^virtio_gpu ' "$work/lsmod.txt" || { cat "$work/lsmod.txt"; return 1; }
	vm vm 10 'modinfo -n virtio_gpu' | grep virtio
}
renders() {
	vm vm 60 'gpu-load 2 50' > "$work/load.txt"
	grep -q '^renderer virgl' "$work/load.txt" && grep -q '^frames [1-9]' "$work/load.txt" || { cat "$work/load.txt"; return 1; }
}
drm_programs() { # without X, on the KMS device itself
	vm vm 60 'glmark2-es2-drm -b build:duration=2 2>&1' > "$work/drm.txt"
	grep -q 'glmark2 Score: [1-9]' "$work/drm.txt" || { cat "$work/drm.txt"; return 1; }
}
unloads() {
	vm vm 40 end-gears &&
		vm vm 30 'release-console; modprobe -r vgpu && ! grep -q "^vgpu " /proc/modules'
}
quiet() { # the kernel has nothing to complain of
	vm vm 10 'dmesg' > "$work/dmesg.txt"
	! grep -E 'WARNING|BUG|Oops|Call Trace|blocked for more|\*ERROR\*' "$work/dmesg.txt"
}

plan 11
check "vgpud starts" host_start vm || bail "no vgpud"
vm_start vm --driver ours --kernel "${KERNEL:-6.1}" --socket "$host/vm.sock" --inject "$work/inject"
check "the guest boots" vm_ready vm || bail "no guest"
check "vgpu takes the device by modprobe configuration" takes_over
check "the console is on the screen" screen_becomes 20 vm console.png 1280 800 3000
check "a GL program without a window renders by virgl" renders
check "a 32-bit program draws" vm vm 20 compat32
check "glmark2 runs on KMS without X" drm_programs
check "glxgears runs" gears_start vm || bail "no glxgears"
jobs=$(vm_stat vm jobs)
shot vm gears-1.png > /dev/null
sleep 1
shot vm gears-2.png > /dev/null
check "the gears are on the screen, by our renderer" check_gears \
	--renderer "$(vm vm 10 'sed -n "s/^GL_RENDERER *= //p" /run/gears.log')" \
	--jobs "$jobs" "$(vm_stat vm jobs)" "$work/gears-1.png" "$work/gears-2.png"
check "the module unloads" unloads
check "no complaint in the kernel's log" quiet
finish
