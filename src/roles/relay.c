/* Relay: sends mail out. */
#include "base/error.h"
#include "roles/role.h"

static void
relay_profile(const struct role_env *env, struct sandbox_profile *ret)
{
	ret->calls = SANDBOX_CONNECT;
}

const struct role_def role_relay = {.role = ROLE_RELAY, .profile = relay_profile};
