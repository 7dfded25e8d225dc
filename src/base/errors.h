/*-------------------------------------------------------------------------
 * errors.h
 *		SQLSTATEs of class RT: outcomes an application branches on.
 *
 * doc/errors.md has a row for each; the test "errors" raises each once.
 *-------------------------------------------------------------------------
 */
#ifndef RETAIL_ERRORS_H
#define RETAIL_ERRORS_H

#include "utils/elog.h"

/* No SKU has this code. */
#define ERRCODE_RETAIL_UNKNOWN_SKU MAKE_SQLSTATE('R', 'T', '0', '0', '1')
/* No location has this code. */
#define ERRCODE_RETAIL_UNKNOWN_LOCATION MAKE_SQLSTATE('R', 'T', '0', '0', '2')
/* No channel has this code. */
#define ERRCODE_RETAIL_UNKNOWN_CHANNEL MAKE_SQLSTATE('R', 'T', '0', '0', '3')
/* init() was not run, or the tables are older than the library. */
#define ERRCODE_RETAIL_NOT_INITIALISED MAKE_SQLSTATE('R', 'T', '0', '0', '4')
/* The request key belongs to another request. */
#define ERRCODE_RETAIL_REQUEST_KEY_REUSED MAKE_SQLSTATE('R', 'T', '0', '0', '5')
/* One transaction touches more stocks than it may. */
#define ERRCODE_RETAIL_TOO_MANY_CELLS MAKE_SQLSTATE('R', 'T', '0', '0', '6')
/* Every cell is in use by open transactions: retry. */
#define ERRCODE_RETAIL_CELL_TABLE_FULL MAKE_SQLSTATE('R', 'T', '0', '0', '7')
/* stock, lot, reservation or the ledger was written by hand. */
#define ERRCODE_RETAIL_DIRECT_WRITE MAKE_SQLSTATE('R', 'T', '0', '0', '8')
/* No reservation has this id. */
#define ERRCODE_RETAIL_UNKNOWN_RESERVATION MAKE_SQLSTATE('R', 'T', '0', '1', '0')
/* A SKU, location or channel with stock or reservations cannot be deleted. */
#define ERRCODE_RETAIL_IN_USE MAKE_SQLSTATE('R', 'T', '0', '1', '1')
/* No service has this code. */
#define ERRCODE_RETAIL_UNKNOWN_SERVICE MAKE_SQLSTATE('R', 'T', '0', '1', '2')
/* No order has this name, or no fulfilment order or wave this id. */
#define ERRCODE_RETAIL_UNKNOWN_ORDER MAKE_SQLSTATE('R', 'T', '0', '1', '3')
/* Amounts of two currencies meet; nothing is converted. */
#define ERRCODE_RETAIL_CURRENCY_MISMATCH MAKE_SQLSTATE('R', 'T', '0', '2', '0')
/* An amount has more decimals than its currency. */
#define ERRCODE_RETAIL_TOO_MANY_DECIMALS MAKE_SQLSTATE('R', 'T', '0', '2', '1')
/* Two price bands have no price in common. */
#define ERRCODE_RETAIL_NO_COMMON_PRICE MAKE_SQLSTATE('R', 'T', '0', '2', '2')
/* There is no price, or no base price, at some instant. */
#define ERRCODE_RETAIL_NO_PRICE MAKE_SQLSTATE('R', 'T', '0', '2', '3')
/* A price is outside the band around its base price. */
#define ERRCODE_RETAIL_OUT_OF_BAND MAKE_SQLSTATE('R', 'T', '0', '2', '4')
/* The grant that a price names does not serve it. */
#define ERRCODE_RETAIL_NO_GRANT MAKE_SQLSTATE('R', 'T', '0', '2', '5')
/* A price is below cost with its margin, or below what may be advertised. */
#define ERRCODE_RETAIL_BELOW_FLOOR MAKE_SQLSTATE('R', 'T', '0', '2', '6')

/* Who decides, or releases, is who asked, or froze. */
#define ERRCODE_RETAIL_FOUR_EYES MAKE_SQLSTATE('R', 'T', '0', '2', '7')
/* No grant, campaign or alert has this name or id. */
#define ERRCODE_RETAIL_UNKNOWN_DECISION MAKE_SQLSTATE('R', 'T', '0', '2', '9')
/* No frozen quote has this id. */
#define ERRCODE_RETAIL_UNKNOWN_QUOTE MAKE_SQLSTATE('R', 'T', '0', '3', '0')

#endif							/* RETAIL_ERRORS_H */
