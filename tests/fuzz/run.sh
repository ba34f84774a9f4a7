#!/bin/bash
# Fuzzes every target for so many executions, or so many seconds, whichever ends first:
#
#   tests/fuzz/run.sh [EXECUTIONS [SECONDS [TARGET...]]]      default: 10000000 600, all targets
#
# New inputs are kept in build-fuzz/found/TARGET, beside the corpus. A finding stops its target and is
# kept as build-fuzz/findings/TARGET-*. The exit status is 0 only if nothing was found.
set -u
cd "$(dirname "$0")/../.." || exit 1
runs=${1:-10000000} seconds=${2:-600}
shift $(($# < 2 ? $# : 2))
build=${LETTERLOCK_FUZZ_BUILD:-build-fuzz}
if [ ! -f "$build/build.ninja" ]; then
	CC=clang meson setup -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false -Dbuildtype=debugoptimized \
		"$build" >/dev/null || exit 1
fi
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
	mapfile -t targets < <(ninja -C "$build" -t targets all | sed -n 's/^tests\/fuzz\/fuzz_\([a-z0-9_]*\): .*/\1/p' | sort -u)
fi
ninja -C "$build" "${targets[@]/#/tests/fuzz/fuzz_}" >/dev/null || exit 1
mkdir -p "$build/findings"
bad=0
for t in "${targets[@]}"; do
	mkdir -p "$build/found/$t"
	"$build/tests/fuzz/fuzz_$t" -runs="$runs" -max_total_time="$seconds" -timeout=30 -rss_limit_mb=4096 \
		-artifact_prefix="$build/findings/$t-" -print_final_stats=1 \
		"$build/found/$t" "tests/fuzz/corpus/$t" >"$build/findings/$t.log" 2>&1 || bad=1
	printf '%-20s %12s executions  %s\n' "$t" \
		"$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/findings/$t.log")" \
		"$(grep -q 'SUMMARY' "$build/findings/$t.log" && grep -m1 'SUMMARY' "$build/findings/$t.log" || echo clean)"
done
exit $bad
