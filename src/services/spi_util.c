/*-------------------------------------------------------------------------
 * spi_util.c
 *		SQL run from C, as the tables' owner, with a pinned search_path.
 *
 * Callers have EXECUTE on the functions and nothing on the tables; row
 * policies are not for us; and no operator of theirs may slip in.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "spi_util.h"
#include "table.h"

SpiOwner
retail_spi_begin(void)
{
	SpiOwner	saved;

	GetUserIdAndSecContext(&saved.userid, &saved.sec_context);
	SetUserIdAndSecContext(retail_owner(),
						   saved.sec_context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
	saved.guc_level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	return saved;
}

void
retail_spi_end(SpiOwner *saved)
{
	SPI_finish();
	AtEOXact_GUC(true, saved->guc_level);
	SetUserIdAndSecContext(saved->userid, saved->sec_context);
}

void
retail_spi_as_owner(const char *query, int nargs, Oid *types, Datum *args)
{
	SpiOwner	saved = retail_spi_begin();
	int			result = SPI_execute_with_args(query, nargs, types, args, NULL, false, 0);

	if (result < 0)
		elog(ERROR, "internal statement failed: %s", SPI_result_code_string(result));
	retail_spi_end(&saved);
}

int
retail_spi_kept(SPIPlanPtr *plan, const char *query, int nargs, Oid *types, Datum *args,
				bool read_only)
{
	MemoryContext caller = CurrentMemoryContext;	/* SPI leaves its own behind */
	int			result;

	if (*plan == NULL)
	{
		SPIPlanPtr	made = SPI_prepare(query, nargs, types);

		if (made == NULL)
			elog(ERROR, "internal statement not prepared: %s", SPI_result_code_string(SPI_result));
		if (SPI_keepplan(made) != 0)
			elog(ERROR, "SPI_keepplan failed");
		*plan = made;
	}
	result = SPI_execute_plan(*plan, args, NULL, read_only, 0);
	if (result < 0)
		elog(ERROR, "internal statement failed: %s", SPI_result_code_string(result));
	MemoryContextSwitchTo(caller);
	return (int) SPI_processed;
}
