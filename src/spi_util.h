/*-------------------------------------------------------------------------
 * spi_util.h
 *		SQL run from C, as the tables' owner, with a pinned search_path.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_SPI_UTIL_H
#define RETAIL_SPI_UTIL_H

#include "postgres.h"

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

#endif							/* RETAIL_SPI_UTIL_H */
