#!/bin/sh
# SPDX-License-Identifier: MIT
# test-replay.sh - every fuzz target with its corpus and mutations of it
set -u
B=${B:-build}
failed=0 n=0
for source in tests/fuzz/fuzz-*.c; do
	name=$(basename "$source" .c)
	name=${name#fuzz-}
	program=$B/tests/fuzz/fuzz-$name
	n=$((n + 1))
	set --
	[ -d "tests/fuzz/corpus/$name" ] && set -- "tests/fuzz/corpus/$name"
	if [ -x "$program" ] && "$program" "$@"; then
		echo "ok $n $name"
	else
		echo "not ok $n $name"
		failed=1
	fi
done
echo "1..$n"
exit $failed
