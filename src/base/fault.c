/*-------------------------------------------------------------------------
 * fault.c
 *		Switches that turn one engine rule off, in test builds only.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fault.h"

#ifdef RETAIL_FAULTS

char	   *retail_fault_setting = NULL;
int			retail_fault_pause_ms = 0;

/* One per rule of doc/engine.md; test/mutation has a killer for each. */
static const char *const fault_names[] = {
	"abort_keeps_take",
	"bound_by_own_change",
	"bulk_keeps_cells",
	"claim_off",
	"deadline_ignored",
	"evict_pinned",
	"flag_unrepaired",
	"give_at_once",
	"guard_off",
	"guard_unchecked",
	"load_by_clock",
	"load_old_snapshot",
	"load_row_security",
	"no_reprobe",
	"no_table_lock",
	"own_give_unspendable",
	"prepare_allowed",
	"price_above_band",
	"price_any_rest",
	"price_base_alone",
	"price_base_floor",
	"price_base_obeyed",
	"price_base_withdrawn",
	"price_below_band",
	"price_deleted",
	"price_first_base",
	"price_floor",
	"price_floor_yields",
	"price_grant_any_depth",
	"price_grant_any_time",
	"price_grant_anybody",
	"price_grant_anything",
	"price_grant_dead",
	"price_moved_back",
	"price_not_closed",
	"price_not_flagged",
	"price_old_rest",
	"price_old_snapshot",
	"price_rewritten",
	"price_too_fine",
	"price_unlocked",
	"price_withdrawn_before",
	"price_without_base",
	"quote_old_version",
	"quote_used_twice",
	"quote_without_grants",
	"scan_instant",
	"settle_at_precommit",
	"subabort_ignored",
	"subcommit_not_retagged",
	"take_at_commit"
};

/* A misspelt rule must not pass for one whose loss nobody noticed. */
bool
retail_fault_check(char **newval, void **extra, GucSource source)
{
	if (*newval == NULL || (*newval)[0] == '\0')
		return true;
	for (int i = 0; i < lengthof(fault_names); i++)
	{
		if (strcmp(*newval, fault_names[i]) == 0)
			return true;
	}
	GUC_check_errdetail("There is no rule of this name.");
	return false;
}

#endif							/* RETAIL_FAULTS */
