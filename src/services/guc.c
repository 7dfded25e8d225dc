/*-------------------------------------------------------------------------
 * guc.c
 *		Settings pg_retail.*, in alphabetical order.
 *
 * doc/settings.md has a row for each.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/varlena.h"

#include "clock.h"
#include "fault.h"
#include "guc.h"

int			retail_archive_after_min = 60;
int			retail_default_ttl_s = 900;
bool		retail_flag_worker = true;
int			retail_key_retention_min = 7 * 24 * 60;
int			retail_max_cells = 262144;
int			retail_max_pins = 10000;
int			retail_max_ttl_s = 30 * 24 * 3600;
int			retail_quote_cache = 32768;
char	   *retail_shared_logins = NULL;
int			retail_till_oversell = TILL_OVERSELL_SHORTAGE;

static const struct config_enum_entry till_oversell_options[] = {
	{"shortage", TILL_OVERSELL_SHORTAGE, false},
	{"refuse", TILL_OVERSELL_REFUSE, false},
	{NULL, 0, false}
};

static bool
check_shared_logins(char **newval, void **extra, GucSource source)
{
	char	   *list = pstrdup(*newval);
	List	   *names;
	bool		is_list = SplitIdentifierString(list, ',', &names);

	if (!is_list)
		GUC_check_errdetail("List syntax is invalid.");
	list_free(names);
	pfree(list);
	return is_list;
}

void
retail_guc_init(void)
{
	DefineCustomIntVariable("pg_retail.archive_after",
							"How long a finished reservation stays in retail.reservation.",
							"retail.archive_reservations() moves older ones to retail.reservation_history.",
							&retail_archive_after_min,
							60, 0, INT_MAX / 60,
							PGC_SIGHUP, GUC_UNIT_MIN, NULL, NULL, NULL);

	DefineCustomStringVariable("pg_retail.clock",
							   "Test clock: the time that retail.now() tells, in every session of the database.",
							   "Empty: the real time. It stands still until set again, and is forgotten when the server restarts.",
							   &retail_clock_setting,
							   "",
							   PGC_SUSET, GUC_NOT_IN_SAMPLE,
							   retail_clock_check, retail_clock_assign, NULL);

	DefineCustomIntVariable("pg_retail.default_ttl",
							"How long a hold lasts when neither the call nor its channel says.",
							NULL,
							&retail_default_ttl_s,
							900, 1, INT_MAX / 1000,
							PGC_USERSET, GUC_UNIT_S, NULL, NULL, NULL);

#ifdef RETAIL_FAULTS
	DefineCustomStringVariable("pg_retail.fault",
							   "Test builds only: the engine rule to switch off.",
							   NULL,
							   &retail_fault_setting,
							   "",
							   PGC_SUSET, GUC_NOT_IN_SAMPLE, retail_fault_check, NULL, NULL);

	DefineCustomIntVariable("pg_retail.fault_pause_ms",
							"Test builds only: a pause between the look-up of a request key and the take.",
							NULL,
							&retail_fault_pause_ms,
							0, 0, 60000,
							PGC_SUSET, GUC_UNIT_MS | GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);
#endif

	DefineCustomBoolVariable("pg_retail.flag_worker",
							 "Whether background workers put sold-out flags right that a race left wrong.",
							 "Off: retail.sweep() does it, once a minute.",
							 &retail_flag_worker,
							 true,
							 PGC_SIGHUP, 0, NULL, NULL, NULL);

	DefineCustomIntVariable("pg_retail.key_retention",
							"How long the answer to a request key is kept.",
							NULL,
							&retail_key_retention_min,
							7 * 24 * 60, 1, INT_MAX / 60,
							PGC_SIGHUP, GUC_UNIT_MIN, NULL, NULL, NULL);

	/* a session that loads the library late has no cells; the value is only shown */
	DefineCustomIntVariable("pg_retail.max_cells",
							"How many stocks (SKU at a location) have their counter in shared memory at once.",
							"About 92 bytes each. The rest is loaded when asked for.",
							&retail_max_cells,
							262144, 1000, 100000000,
							process_shared_preload_libraries_in_progress ?
							PGC_POSTMASTER : PGC_SIGHUP,
							0, NULL, NULL, NULL);

	DefineCustomIntVariable("pg_retail.max_pins_per_transaction",
							"How many stocks one transaction may touch.",
							NULL,
							&retail_max_pins,
							10000, 1, 100000000,
							PGC_SUSET, 0, NULL, NULL, NULL);

	DefineCustomIntVariable("pg_retail.max_ttl",
							"The longest hold a call may ask for.",
							NULL,
							&retail_max_ttl_s,
							30 * 24 * 3600, 1, INT_MAX / 1000,
							PGC_SUSET, GUC_UNIT_S, NULL, NULL, NULL);

	DefineCustomIntVariable("pg_retail.quote_cache",
							"How many prices a session keeps for quotes: one for each SKU, channel, location, currency and tier.",
							"About half a kilobyte each. 0: none; each quote reads the tables.",
							&retail_quote_cache,
							32768, 0, 10000000,
							PGC_USERSET, 0, NULL, NULL, NULL);

	DefineCustomStringVariable("pg_retail.shared_logins",
							   "Roles that several persons log in as, as a connection pool does, before SET ROLE.",
							   "Of these the role that was set says who decides; of all others the login counts, too.",
							   &retail_shared_logins,
							   "",
							   PGC_SUSET, GUC_LIST_INPUT, check_shared_logins, NULL, NULL);

	DefineCustomEnumVariable("pg_retail.till_oversell",
							 "What a till sale does with units that are promised or not on the books.",
							 "shortage: books the sale and reports it; refuse: answers insufficient.",
							 &retail_till_oversell,
							 TILL_OVERSELL_SHORTAGE, till_oversell_options,
							 PGC_USERSET, 0, NULL, NULL, NULL);

	MarkGUCPrefixReserved("pg_retail");
}
