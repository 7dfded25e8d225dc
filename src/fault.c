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
	GUC_check_errdetail("There is no engine rule of this name.");
	return false;
}

#endif							/* RETAIL_FAULTS */
