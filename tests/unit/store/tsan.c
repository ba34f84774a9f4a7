/* For builds with the thread sanitizer. RocksDB is not instrumented: its atomics are not seen, so
 * its own memory looks unguarded. */

const char *__tsan_default_suppressions(void);

__attribute__((visibility("default"))) const char *
__tsan_default_suppressions(void)
{
	return "called_from_lib:librocksdb.so\ncalled_from_lib:libstdc++.so\n";
}
