/*-------------------------------------------------------------------------
 * spi_util.h
 *		SQL run from C, as the tables' owner, with a pinned search_path.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_SPI_UTIL_H
#define RETAIL_SPI_UTIL_H

#include "postgres.h"

#include "executor/spi.h"

/* Runs a statement that returns nothing.  Not for hot paths. */
extern void retail_spi_as_owner(const char *query, int nargs, Oid *types, Datum *args);

/*
 * Runs a query between begin and end; its result is in SPI_tuptable until
 * then.  begin connects SPI.
 */
typedef struct SpiOwner
{
	Oid			userid;
	int			sec_context;
	int			guc_level;
} SpiOwner;

extern SpiOwner retail_spi_begin(void);
extern void retail_spi_end(SpiOwner *saved);

/*
 * Between begin and end: runs a statement whose plan is kept for the session
 * in *plan, NULL at first.  read_only: with the active snapshot, else with one
 * of its own.  How many rows it was.
 */
extern int	retail_spi_kept(SPIPlanPtr *plan, const char *query, int nargs, Oid *types,
							Datum *args, bool read_only);

#endif							/* RETAIL_SPI_UTIL_H */
