// SPDX-License-Identifier: GPL-2.0-only
#include "net-list.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"

static const struct {
	const char *word;
	enum net_mode mode;
} modes[] = {
	{ "none", NET_NONE },
	{ "host", NET_HOST },
	{ "restricted", NET_RESTRICTED },
	{ "private", NET_PRIVATE },
};

#define MODES (sizeof(modes) / sizeof(*modes))

const char *net_addr_text(const struct net_addr *a, char *buf)
{
	/* big enough for both, and nothing else can fail */
	return inet_ntop(a->v6 ? AF_INET6 : AF_INET, a->addr, buf,
			 INET6_ADDRSTRLEN);
}

bool net_same_prefix(const uint8_t *a, const uint8_t *b, int bits)
{
	int bytes = bits / 8;
	uint8_t mask = (uint8_t)(0xff00 >> (bits % 8));

	return !memcmp(a, b, bytes) &&
	       (!(bits % 8) || !((a[bytes] ^ b[bytes]) & mask));
}

bool net_link_local(const struct net_addr *a)
{
	return a->v6 && a->addr[0] == 0xfe && (a->addr[1] & 0xc0) == 0x80;
}

/* --- one word -------------------------------------------------------------------- */

/* Is every bit after the first @bits the same as @ones says? */
static bool rest_is(const struct net_addr *a, bool ones)
{
	int i;

	for (i = a->prefix; i < 32; i++)
		if (!(a->addr[i / 8] & (0x80 >> (i % 8))) == ones)
			return false;
	return true;
}

/* Why nobody can have this address, or NULL. */
static const char *unusable(const struct net_addr *a)
{
	struct in6_addr in6;

	memcpy(&in6, a->addr, sizeof(in6));
	if (a->v6)
		return IN6_IS_ADDR_UNSPECIFIED(&in6) ? "no address" :
		       IN6_IS_ADDR_LOOPBACK(&in6) ?
			       "the loopback, which every guest has" :
		       IN6_IS_ADDR_MULTICAST(&in6) ? "a multicast address" :
		       IN6_IS_ADDR_LINKLOCAL(&in6) ? "link-local" :
		       IN6_IS_ADDR_V4MAPPED(&in6) ?
			       "an IPv4 address: write it as one" :
			       NULL;
	if (a->addr[0] == 127)
		return "the loopback, which every guest has";
	if (!a->addr[0] || a->addr[0] >= 240)
		return "no address";
	if (a->addr[0] >= 224)
		return "a multicast address";
	if (a->prefix < 0 || a->prefix > 30)
		return NULL;
	return rest_is(a, false) ? "the network itself" :
	       rest_is(a, true)	 ? "the broadcast address" :
				   NULL;
}

static int parse_prefix(const char *text, struct net_addr *ret)
{
	uint64_t n;

	if (parse_number(text, &n) || n < 1 || n > (ret->v6 ? 128 : 32))
		return -EINVAL;
	ret->prefix = (int)n;
	return 0;
}

static int parse_device(const char *text, struct net_addr *ret)
{
	size_t len = strlen(text);

	if (!len || len >= sizeof(ret->device) || strchr(text, '/'))
		return -EINVAL;
	memcpy(ret->device, text, len + 1);
	return 0;
}

/* "ADDR[/PREFIX][@DEVICE]"; cuts @word into pieces. */
static int parse_word(char *word, struct net_addr *ret, struct err *err)
{
	char whole[INET6_ADDRSTRLEN + IF_NAMESIZE + 8];
	char *device = strchr(word, '@');
	char *prefix;
	const char *why;

	(void)snprintf(whole, sizeof(whole), "%s", word);
	*ret = (struct net_addr){ .prefix = -1 };
	if (device)
		*device++ = '\0';
	prefix = strchr(word, '/');
	if (prefix)
		*prefix++ = '\0';
	ret->v6 = strchr(word, ':') != NULL;
	if (inet_pton(ret->v6 ? AF_INET6 : AF_INET, word, ret->addr) != 1)
		return err_usage(err, "ip: '%s' is not ADDRESS[/PREFIX][@DEVICE]",
				 whole);
	if (prefix && parse_prefix(prefix, ret) < 0)
		return err_usage(err, "ip: '%s': the prefix is not 1 to %d",
				 whole, ret->v6 ? 128 : 32);
	if (device && parse_device(device, ret) < 0)
		return err_usage(err, "ip: '%s': no interface is called '%s'",
				 whole, device);
	why = unusable(ret);
	return why ? err_usage(err, "ip: '%s' is %s", whole, why) : 0;
}

bool net_list_has(const struct net_list *l, const struct net_addr *a)
{
	size_t i;

	for (i = 0; i < l->count; i++)
		if (l->list[i].v6 == a->v6 &&
		    !memcmp(l->list[i].addr, a->addr, sizeof(a->addr)))
			return true;
	return false;
}

int net_list_parse(const char *value, struct net_list *ret, struct err *err)
{
	char text[SETTING_VALUE_SIZE];
	char *save;
	char *w;

	ret->count = 0;
	(void)snprintf(text, sizeof(text), "%s", value);
	for (w = strtok_r(text, ", ", &save); w;
	     w = strtok_r(NULL, ", ", &save)) {
		struct net_addr a;
		int r = parse_word(w, &a, err);

		if (r < 0)
			return r;
		if (net_list_has(ret, &a))
			return err_usage(err, "ip: '%s' is there twice", w);
		if (ret->count == NET_ADDR_MAX)
			return err_usage(err, "ip: more than %d addresses",
					 NET_ADDR_MAX);
		ret->list[ret->count++] = a;
	}
	return ret->count ? 0 : err_usage(err, "ip: '%s' holds no address", value);
}

/* --- gateways ---------------------------------------------------------------------- */

static int parse_gateway(const char *word, struct net_addr *ret, struct err *err)
{
	bool v6 = strchr(word, ':') != NULL;
	const char *why;

	*ret = (struct net_addr){ .prefix = -1, .v6 = v6 };
	if (inet_pton(v6 ? AF_INET6 : AF_INET, word, ret->addr) != 1)
		return err_usage(err, "gateway: '%s' is not an address", word);
	/* routers of IPv6 mostly have only this to be called by */
	if (net_link_local(ret))
		return 0;
	why = unusable(ret);
	return why ? err_usage(err, "gateway: '%s' is %s", word, why) : 0;
}

int net_gateways_parse(const char *value, struct net_gateways *ret,
		       struct err *err)
{
	char text[SETTING_VALUE_SIZE];
	char *save;
	char *w;

	*ret = (struct net_gateways){ 0 };
	(void)snprintf(text, sizeof(text), "%s", value);
	for (w = strtok_r(text, ", ", &save); w;
	     w = strtok_r(NULL, ", ", &save)) {
		struct net_addr a;
		int r = parse_gateway(w, &a, err);

		if (r < 0)
			return r;
		if (ret->given[a.v6])
			return err_usage(err, "gateway: '%s' is a second one for "
					      "IPv%d", w, a.v6 ? 6 : 4);
		ret->given[a.v6] = true;
		ret->list[a.v6] = a;
	}
	return ret->given[0] || ret->given[1] ?
		       0 :
		       err_usage(err, "gateway: '%s' holds no address", value);
}

/* --- settings ---------------------------------------------------------------------- */

enum net_mode net_mode_of(const struct settings *s)
{
	const char *word = settings_get(s, "net");
	size_t i;

	for (i = 0; word && i < MODES; i++)
		if (!strcmp(word, modes[i].word))
			return modes[i].mode;
	return settings_has(s, "ip") ? NET_RESTRICTED : NET_NONE;
}

int net_check_mode(const struct setting_key *key, const char *value,
		   struct err *err)
{
	size_t i;

	for (i = 0; i < MODES; i++)
		if (!strcmp(value, modes[i].word))
			return 0;
	return err_usage(err,
			 "net: '%s' is not 'none', 'restricted', 'private' or "
			 "'host'",
			 value);
}

int net_check_list(const struct setting_key *key, const char *value,
		   struct err *err)
{
	struct net_list list;

	return net_list_parse(value, &list, err);
}

int net_check_gateways(const struct setting_key *key, const char *value,
		       struct err *err)
{
	struct net_gateways list;

	return net_gateways_parse(value, &list, err);
}

bool net_any_source(const struct settings *s)
{
	const char *value = settings_get(s, "net.source");

	return value && !strcmp(value, "any");
}

int net_check_source(const struct setting_key *key, const char *value,
		     struct err *err)
{
	return strcmp(value, "own") && strcmp(value, "any") ?
		       err_usage(err, "net.source: '%s' is not 'own' or 'any'",
				 value) :
		       0;
}
