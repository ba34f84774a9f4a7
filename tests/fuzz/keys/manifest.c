/* Manifest bodies. */
#include "keys/manifest.h"
#include "bodies.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf again = BUF_INIT(65536);
	struct manifest *m;

	if (manifest_decode(slice_new(data, size), &m) != 0)
		return 0;
	body_same(manifest_encode(m, &again), &again, data, size);
	for (size_t i = 0; i < m->n_unlockers; i++)
		body_require(manifest_find(m, m->unlockers[i].id) == &m->unlockers[i]);
	for (enum record_area a = RECORD_AREA_MAIL; a < RECORD_AREAS; a++)
		body_require(manifest_check_seal(
				     m, a, m->areas[a].version, m->areas[a].seal_public) == 0);
	manifest_free(m);
	return 0;
}
