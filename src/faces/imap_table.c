/* Every command after sign-in: where it may run and what it may tell. */
#include "faces/imap_conn.h"

#include <stdlib.h>

/* Ordered by name. */
static const struct imap_command commands[] = {
	{S("APPEND"), IN_BOTH, 0, imap_run_append},
	{S("CAPABILITY"), IN_BOTH, 0, imap_run_capability},
	{S("CHECK"), IN_SELECTED, FRESH, imap_run_noop},
	{S("CLOSE"), IN_SELECTED, NO_SYNC, imap_run_close},
	{S("COMPRESS"), IN_BOTH, NO_SYNC, imap_run_compress},
	{S("COPY"), IN_SELECTED, MAY_UID, imap_run_copy},
	{S("CREATE"), IN_BOTH, 0, imap_run_create},
	{S("DELETE"), IN_BOTH, 0, imap_run_delete},
	{S("ENABLE"), IN_AUTHENTICATED, 0, imap_run_enable},
	{S("EXAMINE"), IN_BOTH, NO_SYNC | FRESH, imap_run_examine},
	{S("EXPUNGE"), IN_SELECTED, MAY_UID, imap_run_expunge},
	{S("FETCH"), IN_SELECTED, MAY_UID | NO_EXPUNGE, imap_run_fetch},
	{S("GETQUOTA"), IN_BOTH, 0, imap_run_getquota},
	{S("GETQUOTAROOT"), IN_BOTH, 0, imap_run_getquotaroot},
	{S("ID"), IN_BOTH, 0, imap_run_id},
	{S("IDLE"), IN_BOTH, FRESH, imap_run_idle},
	{S("LIST"), IN_BOTH, FRESH, imap_run_list},
	{S("LOGOUT"), IN_BOTH, NO_SYNC, imap_run_logout},
	{S("LSUB"), IN_BOTH, 0, imap_run_lsub},
	{S("MOVE"), IN_SELECTED, MAY_UID, imap_run_move},
	{S("NAMESPACE"), IN_BOTH, 0, imap_run_namespace},
	{S("NOOP"), IN_BOTH, FRESH, imap_run_noop},
	{S("RENAME"), IN_BOTH, 0, imap_run_rename},
	{S("REPLACE"), IN_SELECTED, MAY_UID, imap_run_append},
	{S("SEARCH"), IN_SELECTED, MAY_UID | NO_EXPUNGE, imap_run_search},
	{S("SELECT"), IN_BOTH, NO_SYNC | FRESH, imap_run_select},
	{S("SORT"), IN_SELECTED, MAY_UID | NO_EXPUNGE, imap_run_sort},
	{S("STATUS"), IN_BOTH, FRESH, imap_run_status},
	{S("STORE"), IN_SELECTED, MAY_UID | NO_EXPUNGE, imap_run_store},
	{S("SUBSCRIBE"), IN_BOTH, 0, imap_run_subscribe},
	{S("THREAD"), IN_SELECTED, MAY_UID | NO_EXPUNGE, imap_run_thread},
	{S("UNSELECT"), IN_SELECTED, NO_SYNC, imap_run_unselect},
	{S("UNSUBSCRIBE"), IN_BOTH, 0, imap_run_unsubscribe},
};

static int
by_name(const void *name, const void *command)
{
	return slice_icmp(
		*(const struct slice *)name, ((const struct imap_command *)command)->name);
}

const struct imap_command *
imap_command_find(struct slice name)
{
	return bsearch(&name, commands, ARRAY_SIZE(commands), sizeof(*commands), by_name);
}
