#!/bin/bash
# Fuzzes every target until it has had so many executions without a finding:
#
#   tests/fuzz/run.sh [EXECUTIONS [SECONDS [TARGET...]]]      default: 10000000 600, all targets
#
# SECONDS is the most that one target gets in this run. What was reached is kept in
# build-fuzz/state/TARGET ("executions seconds"), so a later run goes on from there and leaves out
# the targets that are done; the quick ones come first. New inputs are kept in
# build-fuzz/found/TARGET, beside the corpus. A finding stops its target, sets its count back to
# nothing and is kept as build-fuzz/findings/TARGET-*. The exit status is 0 only if nothing was found.
#
#   LETTERLOCK_FUZZ_BUILD   another build folder
#   LETTERLOCK_FUZZ_FLAGS   more libFuzzer options, such as "-use_value_profile=1"
set -u
interrupted=72 # libFuzzer's exit status then
cd "$(dirname "$0")/../.." || exit 1
runs=${1:-10000000} seconds=${2:-600}
shift $(($# < 2 ? $# : 2))
build=${LETTERLOCK_FUZZ_BUILD:-build-fuzz}
read -ra flags <<<"${LETTERLOCK_FUZZ_FLAGS:-}"
# A finding of UBSan stops, too. Whose allocation it was is told when the finding is run again
# without these; here it would cost a third of the time.
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export ASAN_OPTIONS=malloc_context_size=1:quarantine_size_mb=1
if [ ! -f "$build/build.ninja" ]; then
	CC=clang meson setup -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false -Dbuildtype=debugoptimized \
		"$build" >/dev/null || exit 1
fi
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
	mapfile -t targets < <(ninja -C "$build" -t targets all | sed -n 's/^tests\/fuzz\/fuzz_\([a-z0-9_]*\): .*/\1/p' | sort -u)
fi
ninja -C "$build" "${targets[@]/#/tests/fuzz/fuzz_}" >/dev/null || exit 1
mkdir -p "$build/findings" "$build/state" "$build/dict"

# Sets done_runs and done_seconds of a target.
load_state() {
	done_runs=0 done_seconds=0
	[ ! -f "$build/state/$1" ] || read -r done_runs done_seconds <"$build/state/$1"
}

# Microseconds an execution takes, before each target; one that never ran counts as slow.
by_speed() {
	for t in "${targets[@]}"; do
		load_state "$t"
		echo "$((done_runs ? done_seconds * 1000000 / done_runs : 1000000)) $t"
	done | sort -n | cut -d' ' -f2
}

# Inputs longer than most seeds, or than this, only repeat what short ones do.
longest_input() {
	find "tests/fuzz/corpus/$1" -type f -printf '%s\n' | sort -n |
		awk '{ size[NR] = $1 } END { n = size[int((4 * NR + 4) / 5)]; print (n > 512 ? n : 512) }'
}

# The words that stand in the sources of the target's part, for the fuzzer to use.
dictionary() {
	local part
	part=$(find tests/fuzz -name "$1.c" -printf '%h\n' | head -n 1)
	part=src/${part##*/}
	[ -d "$part" ] || part=src/mail # policy
	grep -ohE '"[A-Za-z0-9$=.:-]{2,30}"' "$part"/*.c | sort -u >"$build/dict/$1"
	echo "$build/dict/$1"
}

# Runs a target for what is left. False if something was found.
fuzz() {
	local t=$1 log=$build/findings/$1.log start=$SECONDS status n
	mkdir -p "$build/found/$t"
	# The entropic schedule costs more here than most parsers do.
	"$build/tests/fuzz/fuzz_$t" -runs=$((runs - done_runs)) -max_total_time="$seconds" -timeout=30 \
		-rss_limit_mb=4096 -entropic=0 -max_len="$(longest_input "$t")" -dict="$(dictionary "$t")" \
		-artifact_prefix="$build/findings/$t-" -print_final_stats=1 "${flags[@]}" \
		"$build/found/$t" "tests/fuzz/corpus/$t" >"$log" 2>&1
	status=$?
	n=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	if [ $status = 0 ] || [ $status = $interrupted ]; then
		echo "$((done_runs + n)) $((done_seconds + SECONDS - start))" >"$build/state/$t"
		return 0
	fi
	echo "0 0" >"$build/state/$t"
	return 1
}

bad=0
mapfile -t targets < <(by_speed)
for t in "${targets[@]}"; do
	load_state "$t"
	result=clean
	if [ "$done_runs" -lt "$runs" ] && ! fuzz "$t"; then
		bad=1
		result=$(grep -m1 SUMMARY "$build/findings/$t.log" || echo "FAILED, see $build/findings/$t.log")
	fi
	load_state "$t"
	printf '%-20s %12s executions %6s s %6s inputs  %s\n' "$t" "$done_runs" "$done_seconds" \
		"$(find "$build/found/$t" -type f 2>/dev/null | wc -l)" "$result"
done
exit $bad
