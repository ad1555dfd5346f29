#!/bin/bash
# SPDX-License-Identifier: MIT
# run.sh - runs the tests of igt-gpu-tools in VMs and compares two drivers
#
# usage: run.sh [--driver ours|intree] [--kernel 6.1|6.12|7.2] [--runs N] [TEST...]
#        run.sh --compare BASELINE RESULTS
#
#   --driver    the guest's driver                          [ours]
#   --kernel    Debian's                                    [6.1; intree: 7.2]
#   --runs      how often                                   [1; intree: 3]
#   TEST        binaries of IGT, or BINARY@REGEXP: run now, whether they were or not
#               [those of tests.txt that have no result yet]
#   --compare   says what passed every time in BASELINE but not in RESULTS, and what
#               fails in RESULTS; status 1 if reasons.txt does not explain all of it
#
# A VM for each run: the root is Debian sid's, where the tests come from, the kernel
# the one named. Results of run N go to build/igt/DRIVER-KERNEL/N.txt after each
# binary, and from there to build/igt/DRIVER-KERNEL.txt: "NAME RESULT...", with a
# result for each run. What was interrupted goes on where it was, what was whole begins
# anew. Needs root; a run takes about 14 minutes under emulation, 9 of them kms_flip.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../../scripts/lib.sh"
B=${B:-$top/build}
case $B in /*) ;; *) B=$top/$B ;; esac

driver=ours kernel='' runs='' tests=() compare=''
while [ $# -gt 0 ]; do
	case $1 in
	--driver) driver=${2:?}; shift ;;
	--kernel) kernel=${2:?}; shift ;;
	--runs) runs=${2:?}; shift ;;
	--compare) compare=1 ;;
	-h|--help) usage_of; exit ;;
	-*) usage_of >&2; exit 2 ;;
	*) tests+=("$1") ;;
	esac
	shift
done

# Names, each with yes (every run passed) or no.
verdicts() { awk '{ ok = "yes"; for (i = 2; i <= NF; i++) if ($i != "pass") ok = "no"; print $1, ok }' "$1" | sort; }

if [ "$compare" ]; then
	[ ${#tests[@]} = 2 ] || { usage_of >&2; exit 2; }
	bad=0 same=0 explained=0
	while read -r name before now; do
		[ "$before" = yes ] || continue
		if [ "${now:-}" = yes ]; then
			same=$((same + 1))
		elif why=$(grep -m1 "^$name|" "$here/reasons.txt" 2> /dev/null); then
			explained=$((explained + 1))
			echo "explained: $name: ${why#*|}"
		else
			bad=$((bad + 1))
			echo "WORSE: $name: $(grep -m1 "^$name " "${tests[1]}" || echo "not run")"
		fi
	done < <(join -a 1 <(verdicts "${tests[0]}") <(verdicts "${tests[1]}"))
	# No failure without a reason, whatever the other driver does there.
	while read -r name _; do
		grep -q "^$name|" "$here/reasons.txt" && continue
		bad=$((bad + 1))
		echo "UNEXPLAINED: $(grep -m1 "^$name " "${tests[1]}")"
	done < <(join -v 1 <(grep -vE '^[^ ]+( pass| skip)+$' "${tests[1]}" | sort) \
		<(verdicts "${tests[0]}" | awk '$2 == "yes"'))
	better=$(join <(verdicts "${tests[0]}") <(verdicts "${tests[1]}") | awk '$2 == "no" && $3 == "yes"' | wc -l)
	echo "$same pass in both, $better only with the second, $explained explained, $bad worse"
	[ $bad = 0 ] && [ $same -gt 0 ]
	exit
fi
case $driver in
ours) : "${kernel:=6.1}" "${runs:=1}" ;;
intree) : "${kernel:=7.2}" "${runs:=3}" ;;
*) die "--driver is ours or intree, not '$driver'" ;;
esac

out=$B/igt
results=$out/$driver-$kernel
mkdir -p "$out/inject" "$results"
cp "$here/guest-run" "$out/inject/igt-run"
cp "$here/skips.txt" "$out/inject/igt-skips"
root=$("$here/image")
table=$out/$driver-$kernel.txt

# Puts the lines of a TEST's results in the place of those that it had.
keep() { # file, TEST, results
	touch "$1"
	{ grep -vE "^$2(@| )" "$1" || true; cat "$3"; } > "$1.new"
	mv "$1.new" "$1"
}

vm_in() { # command of vmctl's exec, limit
	"$B/tests/vm/vmctl" exec "$dir/cmd" "$2" "$1"
}

pid='' dir=''
end_vm() {
	[ -z "$pid" ] || kill "$pid" 2> /dev/null || true
	[ -z "$pid" ] || wait "$pid" 2> /dev/null || true
	[ -z "$dir" ] || rm -rf "$dir"
	pid='' dir=''
}
trap end_vm EXIT
trap 'exit 130' INT TERM

start_vm() {
	local i
	dir=$results/vm.$$
	mkdir -p "$dir"
	"$top/scripts/run-vm" --wait --driver "$driver" --kernel "$kernel" --root "$root" --mem 2G \
		--name igt --dir "$dir" --inject "$out/inject" > "$dir/run-vm.log" 2>&1 &
	pid=$!
	for ((i = 0; i < 600; i++)); do
		[ ! -e "$dir/ready" ] || return 0
		kill -0 $pid 2> /dev/null || break
		sleep 0.5
	done
	cat "$dir/run-vm.log" >&2
	die "the VM does not start"
}

one_test() { # number of the run, TEST
	local status=0 begin=$SECONDS new=$results/new
	vm_in "rm -rf /tmp/igt; /inject/igt-run '$2'" 3600 > "$new.all" || status=$?
	# what the failures said, for whoever writes the reasons
	vm_in 'cat /tmp/igt/failures.txt 2> /dev/null' 60 > "$results/$1-${2%%@*}-failures.txt" || true
	grep -E '^[a-z0-9_]+(@[^ ]+)? [a-z-]+ [0-9.]+$' "$new.all" > "$new" || {
		tail -n 20 "$new.all" >&2
		vm_in 'tail -n 20 /tmp/igt/runner.log; dmesg | tail -n 20' 60 >&2 || true
		die "$2 told no results (status $status)"
	}
	keep "$results/$1.txt" "$2" "$new"
	step "$2: $(awk '{ n[$2]++ } END { for (r in n) printf "%d %s, ", n[r], r }' "$new")$((SECONDS - begin)) s"
	rm -f "$new" "$new.all"
}

left() { # number of the run; prints binaries without a result in it
	touch "$results/$1.txt"
	grep -v '^#' "$here/tests.txt" | grep -vxFf <(sed 's/[@ ].*//' "$results/$1.txt" | sort -u)
}
whole=yes
for ((run = 1; run <= runs; run++)); do
	! left "$run" > /dev/null || whole=''
done
# A whole one was for another driver or host, as likely as not.
[ -z "$whole" ] || [ ${#tests[@]} -gt 0 ] || rm -f "$results"/*.txt

for ((run = 1; run <= runs; run++)); do
	todo=("${tests[@]}")
	[ ${#todo[@]} -gt 0 ] || mapfile -t todo < <(left "$run")
	[ ${#todo[@]} -gt 0 ] || continue
	step "IGT with driver $driver on $kernel, run $run of $runs"
	start_vm
	for test in "${todo[@]}"; do one_test "$run" "$test"; done
	end_vm
done

find "$results" -name '[0-9]*.txt' ! -name '*failures*' -exec cat {} + | awk 'NF == 3 { r[$1] = r[$1] " " $2 } END { for (t in r) print t r[t] }' |
	LC_ALL=C sort > "$table"
echo "$table"
