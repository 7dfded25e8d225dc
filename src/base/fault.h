/*-------------------------------------------------------------------------
 * fault.h
 *		Switches that turn one engine rule off, in test builds only.
 *
 * With -DRETAIL_FAULTS the setting pg_retail.fault names a rule; the suite
 * must then turn red (test/mutation).  In every other build the test below
 * is the constant false and leaves no code behind.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_FAULT_H
#define RETAIL_FAULT_H

#ifdef RETAIL_FAULTS
#include <string.h>
#include "miscadmin.h"
#include "utils/guc.h"
extern bool retail_fault_check(char **newval, void **extra, GucSource source);
extern char *retail_fault_setting;
extern int	retail_fault_pause_ms;
#define RETAIL_FAULT(rule) \
	(retail_fault_setting != NULL && strcmp(retail_fault_setting, (rule)) == 0)
/* Lets a test come in between the look-up of a request key and the take. */
#define RETAIL_FAULT_PAUSE() \
	do { \
		for (int ms_ = 0; ms_ < retail_fault_pause_ms; ms_ += 10) \
		{ \
			CHECK_FOR_INTERRUPTS(); \
			pg_usleep(10000); \
		} \
	} while (0)
#else
#define RETAIL_FAULT(rule) false
#define RETAIL_FAULT_PAUSE() ((void) 0)
#endif

#endif							/* RETAIL_FAULT_H */
