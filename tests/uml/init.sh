#!/bin/sh
# SPDX-License-Identifier: MIT
#
# init.sh - process 1 of the tests in User Mode Linux: runs one scenario
#
# usage: started by uml-run.sh with vgpu.dir=DIR vgpu.run=SCENARIO on the kernel
# command line; DIR holds the modules and programs. Prints "ok NAME" or
# "not ok NAME: reason" for each test.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/run TMPDIR=/run
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs run /run
mount -t debugfs debug /sys/kernel/debug
# shellcheck disable=SC2013  # words are meant
for word in $(cat /proc/cmdline); do
	case $word in
	vgpu.dir=*) dir=${word#*=};;
	vgpu.run=*) scenario=${word#*=};;
	vgpu.host=*) host=${word#*=};;
	vgpu.seconds=*) seconds=${word#*=};;
	vgpu.seed=*) seed=${word#*=};;
	esac
done
cd /run || exit 1
echo "UML up: $(uname -r)"
echo 20 > /proc/sys/kernel/hung_task_timeout_secs

# shellcheck source=tests/uml/scenarios.sh
. "${0%/*}/scenarios.sh"
# shellcheck source=tests/uml/scenarios-reset.sh
. "${0%/*}/scenarios-reset.sh"

load_drm
if command -v "run_$scenario" > /dev/null; then
	"run_$scenario"
else
	not_ok "$scenario" "there is no such scenario"
fi
# the checkers must have been awake, or their silence means nothing
if grep -q 'debug_locks: *1' /proc/lockdep_stats; then
	ok "lockdep was on"
else
	not_ok "lockdep was on" "it switched itself off"
fi
echo "UML-EXIT: 0"
echo o > /proc/sysrq-trigger
sleep 5
