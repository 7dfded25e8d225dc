/*-------------------------------------------------------------------------
 * guc.h
 *		Settings pg_retail.*
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_GUC_H
#define RETAIL_GUC_H

typedef enum TillOversell
{
	TILL_OVERSELL_SHORTAGE,
	TILL_OVERSELL_REFUSE
} TillOversell;

extern int	retail_archive_after_min;
extern int	retail_default_ttl_s;
extern bool retail_flag_worker;
extern int	retail_key_retention_min;
extern int	retail_max_cells;
extern int	retail_max_pins;
extern int	retail_max_ttl_s;
extern int	retail_quote_cache;
extern char *retail_shared_logins;
extern int	retail_till_oversell;

extern void retail_guc_init(void);

#endif							/* RETAIL_GUC_H */
