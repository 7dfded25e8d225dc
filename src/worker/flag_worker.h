/*-------------------------------------------------------------------------
 * flag_worker.h
 *		Background workers that put sold-out flags right.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_FLAG_WORKER_H
#define RETAIL_FLAG_WORKER_H

/* Registers the launcher; called while libraries are preloaded. */
extern void retail_flag_worker_init(void);

#endif							/* RETAIL_FLAG_WORKER_H */
