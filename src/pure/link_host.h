/*-------------------------------------------------------------------------
 * link_host.h
 *		What this floor may not do itself: memory, and stopping when asked to.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_LINK_HOST_H
#define RETAIL_LINK_HOST_H

#include <stddef.h>

typedef struct LinkHost
{
	void	   *(*alloc) (size_t size);	/* never NULL: does not return instead */
	void		(*release) (void *memory);
	void		(*poll) (void);			/* may not return */
} LinkHost;

#endif							/* RETAIL_LINK_HOST_H */
