#!/bin/bash
# SPDX-License-Identifier: MIT
# test-completion.sh - what the shell offers for vgpuctl
cd "$(dirname "$0")/../.." || exit 1
. vhost-user-backend/data/vgpuctl.bash-completion

number=0 failed=0
vgpuctl() { # a host with two VMs
	case $* in
	*list) printf 'NAME STATE\ndesk1 running\ndesk2 idle\n' ;;
	*"show desk1") printf 'name desk1\nsettings       weight=100 cap=none memory=0\n' ;;
	esac
}
compopt() { :; }
# offers WORD...: what is offered for the last of them, in one line
offers() {
	COMP_WORDS=(vgpuctl "$@") COMP_CWORD=$# COMPREPLY=()
	_vgpuctl
	echo "${COMPREPLY[*]}"
}
check() { # EXPECTED WORD...
	local expected=$1 got
	shift
	number=$((number + 1))
	got=$(offers "$@")
	if [ "$got" = "$expected" ]; then
		echo "ok $number vgpuctl $*"
	else
		echo "not ok $number vgpuctl $*: '$got', not '$expected'"
		failed=1
	fi
}

echo 1..16
check "show set suspend" s
check "top trace" t
check "remove resume record" re
check "desk1 desk2" show desk
check "desk2" -s /run/x suspend desk2
check "desk1 desk2" --socket = /run/x remove ""
check "weight=" set desk1 we
check "cap=" set desk1 weight = 5 cap
check "" set desk1 weight = 5
check "--follow" events --f
check "--delay" top --d
check "" list --d
check "memory" top -S me
check "" top -d 5
check "tests/scripts/test-completion.sh" plot tests/scripts/test-comp
check "tests/scripts/test-completion.sh" trace tests/scripts/test-comp
exit $failed
