# For each rule of the price guard, of quotes, four eyes, settlement and scan a test
# that holds with the rule and fails without it.  Rules of C have a switch in
# the build (src/base/fault.h); of a rule of SQL some words of its function are
# replaced.
use strict;
use warnings;
use FindBin;
use Time::HiRes qw(sleep);
use lib $FindBin::RealBin;
use MutationTest;

my $serial = 0;
my $morning = '2031-05-01 10:00:00+00';

begin_mutation('price_mutation', '', <<'SQL');
CREATE ROLE alice LOGIN;
CREATE ROLE bob LOGIN;
CREATE ROLE team;
GRANT team TO alice, bob;
SELECT retail.grant_access(r, 'pricing') FROM unnest(ARRAY['alice', 'bob', 'team']) r;
CREATE FUNCTION sku(code text) RETURNS integer LANGUAGE sql STABLE AS $$ SELECT id FROM retail.sku k WHERE k.code = $1 $$;
CREATE FUNCTION channel(code text) RETURNS integer LANGUAGE sql STABLE AS $$ SELECT id FROM retail.channel c WHERE c.code = $1 $$;
GRANT EXECUTE ON FUNCTION sku(text), channel(text) TO PUBLIC;
SQL

# A SKU with a base price of 100 from the morning on.  SKUs of one test are
# nobody else's.
sub fresh
{
	my $code = 'P' . ++$serial;

	clock($morning);
	ask("INSERT INTO retail.sku (code, name) VALUES ('$code', 'x'); SELECT outcome FROM retail.set_base_price('$code', 100, 'CNY')");
	return $code;
}

# In channel app, where 90 to 110 is allowed.
sub set_price
{
	my ($code, $amount, @more) = @_;
	return "SELECT outcome FROM retail.set_price('$code', 'app', NULL, " . join(', ', $amount, @more) . ')';
}

sub insert_price
{
	my ($code, $amount, $valid) = @_;

	$valid ||= '[2031-05-02,)';
	return "INSERT INTO retail.price (sku_id, channel_id, currency, amount, valid) VALUES (sku('$code'), channel('app'), 'CNY', $amount, '$valid')";
}

# The only price of a SKU that is believed.
sub price_of
{
	my ($code) = @_;
	return "sku_id = sku('$code') AND withdrawn_at IS NULL";
}

# A grant of 30 % that alice asked for and bob approved, for whom and what is said.
sub granted
{
	my (%more) = @_;
	my $valid_until = delete $more{valid_until} || '2031-07-01';
	my $grantee = delete $more{grantee} || 'alice';
	my $rest = join('', map { ", $_ => $more{$_}" } sort keys %more);
	my $id = ask("SET ROLE alice; SELECT grant_id FROM retail.request_grant('$grantee', '2031-05-01', '$valid_until', 30$rest)");

	ask("SET ROLE bob; SELECT outcome FROM retail.approve_grant($id)");
	return $id;
}

sub as_alice
{
	my ($sql) = @_;
	return ask("SET ROLE alice; $sql");
}

sub quote
{
	my ($code) = @_;
	return "SELECT price FROM retail.quote('$code', 'app', NULL)";
}

# A frozen quote for one unit, of which there are ten.
sub frozen
{
	my ($code) = @_;

	ask("SELECT outcome FROM retail.receive('$code', 'S1', 10)");
	return ask("SELECT quote_id FROM retail.freeze_quote(ARRAY[('$code', NULL, 1)]::retail.line[], 'app')");
}

sub order_by
{
	my ($code, $nr, $quote) = @_;
	return "SELECT outcome, unit_price FROM retail.place_order('app', '$code-$nr', ARRAY[('$code', NULL, 1)]::retail.line[], location => 'S1', frozen_quote => $quote)";
}

my $till_june = "'[2031-05-02,2031-06-01)'";

# What a call does that waits for another session to end.
sub wait_for
{
	my ($before, $call, $meanwhile) = @_;
	my ($first, $second) = (open_session(), open_session());

	$first->ask('BEGIN');
	$first->ask($before);
	$second->start($call);
	sleep(0.3);
	$first->ask($meanwhile) if $meanwhile;
	$first->ask('COMMIT');
	return $second->finish . ($second->{complaint} =~ /ERROR:\s+(\w+)/ ? $1 : '');
}

my @rules = (
	[ price_below_band => 'a price below the band, by INSERT', sub {
		return ask(insert_price(fresh(), 89.99)) eq 'RT024';
	} ],
	[ price_above_band => 'a price above the band', sub {
		my $code = fresh();
		return ask(set_price($code, 110.01)) eq 'out_of_band' && ask(set_price($code, 110)) eq 'set';
	} ],
	[ price_first_base => 'a price that outlives the base price it fits', sub {
		my $code = fresh();

		ask("SELECT outcome FROM retail.set_base_price('$code', 200, NULL, '[2031-06-01,)')");
		return ask(set_price($code, 100)) eq 'out_of_band';
	} ],
	[ price_without_base => 'a price that begins before its base price', sub {
		return ask(set_price(fresh(), 100, "'[2031-04-01,)'")) eq 'no_base';
	} ],
	[ price_too_fine => 'a price of half a fen', sub {
		return ask(insert_price(fresh(), 100.005)) eq 'RT021';
	} ],
	[ price_floor => 'a price below cost', sub {
		my $code = fresh();

		ask("INSERT INTO retail.price_floor (sku_id, currency, cost) VALUES (sku('$code'), 'CNY', 95)");
		return ask(set_price($code, 94)) eq 'below_floor';
	} ],
	[ price_floor_yields => 'a price below cost under a grant', sub {
		my $code = fresh();
		my $grant = granted();

		ask("INSERT INTO retail.price_floor (sku_id, currency, cost) VALUES (sku('$code'), 'CNY', 95)");
		return as_alice(set_price($code, 94, $till_june, "'promo'", $grant)) eq 'below_floor';
	} ],
	[ price_grant_dead => 'a price under a grant that was revoked', sub {
		my $code = fresh();
		my $grant = granted();

		ask("SELECT outcome FROM retail.revoke_grant($grant)");
		return as_alice(set_price($code, 80, $till_june, "'promo'", $grant)) eq 'no_grant';
	} ],
	[ price_grant_anybody => 'a price under the grant of another', sub {
		my $code = fresh();
		my $grant = granted(grantee => 'bob');

		return as_alice(set_price($code, 80, $till_june, "'promo'", $grant)) eq 'no_grant';
	} ],
	[ price_grant_any_time => 'a price that outlives its grant', sub {
		my $code = fresh();
		my $grant = granted(valid_until => '2031-05-31');

		return as_alice(set_price($code, 80, $till_june, "'promo'", $grant)) eq 'no_grant';
	} ],
	[ price_grant_anything => 'a price under a grant for something else', sub {
		my $code = fresh();
		my ($of_apples, $at_s1) = (granted(skus => "ARRAY['A']"), granted(locations => "ARRAY['S1']"));

		return as_alice(set_price($code, 80, $till_june, "'promo'", $of_apples)) eq 'no_grant'
		  && as_alice(set_price($code, 80, $till_june, "'promo'", $at_s1)) eq 'no_grant';
	} ],
	[ price_grant_any_depth => 'a discount that is more than granted', sub {
		my $code = fresh();
		my $grant = granted();

		return as_alice(set_price($code, 69.99, $till_june, "'promo'", $grant)) eq 'out_of_band'
		  && as_alice(set_price($code, 70, $till_june, "'promo'", $grant)) eq 'set';
	} ],
	[ price_rewritten => 'another amount in a row that is there', sub {
		my $code = fresh();

		ask(set_price($code, 100));
		return ask("UPDATE retail.price SET amount = 101 WHERE " . price_of($code)) eq 'RT008';
	} ],
	[ price_moved_back => 'a price that is to have ended yesterday', sub {
		my $code = fresh();

		ask(set_price($code, 100));
		clock('2031-05-03 10:00:00+00');
		return ask("UPDATE retail.price SET valid = tstzrange(lower(valid), '2031-05-02') WHERE " . price_of($code)) eq 'RT008';
	} ],
	[ price_deleted => 'a price that is deleted', sub {
		my $code = fresh();

		ask(set_price($code, 100));
		return ask("DELETE FROM retail.price WHERE " . price_of($code)) eq 'RT008';
	} ],
	[ price_withdrawn_before => 'a price that is to have been withdrawn yesterday', sub {
		my $code = fresh();

		ask(set_price($code, 100));
		clock('2031-05-03 10:00:00+00');
		return ask("UPDATE retail.price SET withdrawn_at = '2031-05-02' WHERE " . price_of($code)) eq 'RT008';
	} ],
	[ price_any_rest => 'a rest that is cheaper than what it is a rest of', sub {
		my $code = fresh();

		ask(set_price($code, 100));
		return ask("BEGIN; UPDATE retail.price SET withdrawn_at = retail.now() WHERE " . price_of($code)
			. "; INSERT INTO retail.price (sku_id, channel_id, currency, amount, valid, split_from)"
			. " SELECT sku_id, channel_id, currency, 1, valid, id FROM retail.price WHERE sku_id = sku('$code'); COMMIT") eq '22023';
	} ],
	[ price_old_rest => 'a rest of a price that was withdrawn long ago', sub {
		my $code = fresh();

		ask(set_price($code, 100));
		ask("UPDATE retail.price SET withdrawn_at = retail.now() WHERE " . price_of($code));
		clock('2031-05-03 10:00:00+00');
		ask("SELECT outcome FROM retail.set_base_price('$code', 200)");
		return ask("INSERT INTO retail.price (sku_id, channel_id, currency, amount, valid, recorded_at, split_from)"
			. " SELECT sku_id, channel_id, currency, amount, '[2031-05-04,)', withdrawn_at, id FROM retail.price WHERE sku_id = sku('$code')") eq 'RT024';
	} ],
	[ price_unlocked => 'a base price that changes while a price is inserted', sub {
		my $code = fresh();
		return wait_for(insert_price($code, 95), "SELECT outcome FROM retail.set_base_price('$code', 120)") eq 'out_of_band';
	} ],
	[ price_old_snapshot => 'a price that is inserted while its base price changes', sub {
		my $code = fresh();
		return wait_for("SELECT outcome FROM retail.set_base_price('$code', 120)", insert_price($code, 95)) eq 'RT024';
	} ],
	[ price_base_alone => 'a base price that leaves a price outside', sub {
		my $code = fresh();

		ask(set_price($code, 95));
		return ask("SELECT outcome FROM retail.set_base_price('$code', 120)") eq 'out_of_band';
	} ],
	[ price_base_withdrawn => 'a base price that is withdrawn under a price', sub {
		my $code = fresh();

		ask(set_price($code, 95));
		return ask("UPDATE retail.base_price SET withdrawn_at = retail.now() WHERE " . price_of($code)) eq 'RT023';
	} ],
	[ price_base_floor => 'a base price below the minimum advertised price', sub {
		my $code = fresh();

		ask("INSERT INTO retail.price_floor (sku_id, currency, min_advertised) VALUES (sku('$code'), 'CNY', 95)");
		return ask("SELECT outcome FROM retail.set_base_price('$code', 94)") eq 'below_floor';
	} ],
	[ price_base_obeyed => 'a base price that leaves a price outside, by UPDATE', sub {
		my $code = fresh();

		ask("SELECT outcome FROM retail.set_base_price('$code', 200, NULL, '[2031-06-01,2031-07-01)')");
		ask(set_price($code, 95, $till_june));
		return ask("UPDATE retail.base_price SET valid = '[2031-05-20,2031-07-01)' WHERE amount = 200 AND " . price_of($code)) eq 'RT024';
	} ],
	[ price_not_closed => 'the policy close', sub {
		my $code = fresh();

		ask("INSERT INTO retail.price_rule (sku_id, low_percent, high_percent, base_change) VALUES (sku('$code'), 10, 10, 'close')");
		ask(set_price($code, 95));
		ask("SELECT outcome FROM retail.set_base_price('$code', 120, NULL, '[2031-06-01,)')");
		return ask("SELECT upper(valid) = '2031-06-01' FROM retail.price WHERE " . price_of($code)) eq 't';
	} ],
	[ price_not_flagged => 'the policy flag', sub {
		my $code = fresh();

		ask("INSERT INTO retail.price_rule (sku_id, low_percent, high_percent, base_change) VALUES (sku('$code'), 10, 10, 'flag')");
		ask(set_price($code, 95));
		ask("SELECT outcome FROM retail.set_base_price('$code', 120)");
		return ask("SELECT rule, status FROM retail.price_alert WHERE sku_id = sku('$code')") eq 'R1|open';
	} ],
	[ quote_old_version => 'a price that another session changes between two quotes', sub {
		my $code = fresh();
		my $shopper = open_session();

		ask(set_price($code, 95));
		$shopper->ask("SET pg_retail.clock = '$morning'");
		my $before = $shopper->ask(quote($code));
		ask(set_price($code, 97));
		return $before eq '95.00' && $shopper->ask(quote($code)) eq '97.00';
	} ],
	[ quote_without_grants => 'a promotion whose grant is revoked', sub {
		my $code = fresh();
		my $grant = granted();

		as_alice(set_price($code, 80, "'[2031-05-01 10:00+00,2031-06-01)'", "'promo'", $grant));
		my $before = ask(quote($code));
		ask("SELECT outcome FROM retail.revoke_grant($grant)");
		return $before eq '80.00' && ask(quote($code)) eq '100.00';
	} ],
	[ quote_used_twice => 'a second order by one frozen quote', sub {
		my $code = fresh();
		my $quote = frozen($code);

		return ask(order_by($code, 1, $quote)) eq 'placed|100.00' && ask(order_by($code, 2, $quote)) =~ /^quote_used/;
	} ],
	[ scan_instant => 'a price that is outside its band from noon on', sub {
		my $code = fresh();

		ask("INSERT INTO retail.price_rule (sku_id, low_percent, high_percent, base_change) VALUES (sku('$code'), 10, 10, 'flag')");
		ask(set_price($code, 95));
		ask("SELECT outcome FROM retail.set_base_price('$code', 120, NULL, '[2031-05-02 12:00+00,)')");
		ask("DELETE FROM retail.price_alert WHERE sku_id = sku('$code')");
		clock('2031-05-03 10:00:00+00');
		ask("SELECT found FROM retail.scan_prices('2031-05-02', 'UTC', ARRAY['R1'])");
		return ask("SELECT rule, status FROM retail.price_alert WHERE sku_id = sku('$code')") eq 'R1|open';
	} ],
);

# A till receipt of a SKU that is settled, and an alert about it.
sub settled
{
	my ($code, $amount) = @_;

	ask("SELECT outcome FROM retail.settle('shop', 'T-$code', 'guide', 'Anna', 5, 'CNY', 'S1', ARRAY[('$code', 1, $amount)]::retail.sold_line[])");
	return "'shop', 'T-$code'";
}

sub alert_about
{
	my ($code, $channel) = @_;
	return ask("SELECT alert_id FROM retail.raise_alert('$code', " . ($channel ? "'$channel'" : 'NULL') . ", NULL, 'CNY', 'complaint')");
}

# Past the guard, for one day at S1.
sub force_price
{
	my ($code, $amount, $day) = @_;

	ask("SET session_replication_role = replica; INSERT INTO retail.price (sku_id, location_id, channel_id, currency, amount, valid)"
		. " VALUES (sku('$code'), 1, channel('shop'), 'CNY', $amount, tstzrange('$day 00:00+00', '$day 23:00+00'))");
	return;
}

sub scan
{
	my ($day, $what) = @_;
	return ask("SELECT $what FROM retail.scan_prices('$day', 'UTC', ARRAY['R1'])");
}

sub status_of_alert
{
	my ($code) = @_;
	return ask("SELECT status FROM retail.price_alert WHERE rule = 'R1' AND sku_id = sku('$code')");
}

sub sql_rule
{
	return [@_];
}

my @sql_rules = (
	sql_rule('set_price_unlocked', 'set_price() while the base price changes', sub {
		my $code = fresh();
		return wait_for("SELECT outcome FROM retail.set_base_price('$code', 120)", set_price($code, 95)) eq 'out_of_band';
	}, '_lock_price', 'FOR NO KEY UPDATE;', ';'),
	sql_rule('late_word', 'a price that was set after this call began', sub {
		my $code = fresh();

		clock('');
		ask("SELECT outcome FROM retail.set_base_price('$code', 100)");
		return wait_for(set_price($code, 99, "'[2099-01-01,)'", "'promo'"), set_price($code, 103), set_price($code, 102)) eq 'set';
	}, '_apply_prices', 'greatest(at, o.recorded_at)', 'at'),
	sql_rule('own_request', 'who asks approves', sub {
		fresh();
		my $id = ask("SET ROLE alice; SELECT grant_id FROM retail.request_grant('alice', '2031-05-01', '2031-07-01', 30)");
		return ask("SET ROLE alice; SELECT outcome FROM retail.approve_grant($id)") eq 'RT027';
	}, '_decide_grant', 'ELSIF retail._is_me(g.requested_by, g.requested_login) THEN', 'ELSIF false THEN'),
	sql_rule('other_role', 'who asked as a role approves without it', sub {
		fresh();
		my $id = ask("SET SESSION AUTHORIZATION alice; SET ROLE team; SELECT grant_id FROM retail.request_grant('alice', '2031-05-01', '2031-07-01', 30)");
		return ask("SET SESSION AUTHORIZATION alice; SELECT outcome FROM retail.approve_grant($id)") eq 'RT027';
	}, '_is_me', ' OR coalesce($2 IN (m.actor, m.login), false)', ''),
	sql_rule('own_hold', 'who froze releases', sub {
		my $order = settled(fresh(), 100);
		my $alert = alert_about("P$serial");

		ask("SET ROLE alice; SELECT outcome FROM retail.hold_settlement($order, $alert, 'x')");
		return ask("SET ROLE alice; SELECT outcome FROM retail.release_settlement($order)") eq 'RT027'
		  && ask("SET ROLE alice; SELECT outcome FROM retail.resolve_alert($alert)") eq 'RT027';
	}, '_release_holds', 'AND retail._is_me(h.held_by, h.held_login)', 'AND false'),
	sql_rule('own_hold_reversed', 'who froze reverses', sub {
		my $order = settled(fresh(), 100);
		my $alert = alert_about("P$serial");

		ask("SET ROLE alice; SELECT outcome FROM retail.hold_settlement($order, $alert, 'x')");
		return ask("SET ROLE alice; SELECT outcome FROM retail.reverse_settlement($order, 'x')") eq 'RT027';
	}, 'reverse_settlement', 'AND retail._is_me(h.held_by, h.held_login)', 'AND false'),
	sql_rule('holds_stack', 'one of two holds is released', sub {
		my $order = settled(fresh(), 100);
		my ($first, $second) = (alert_about("P$serial"), alert_about("P$serial", 'shop'));

		ask("SET ROLE alice; SELECT outcome FROM retail.hold_settlement($order, $_, 'x')") for $first, $second;
		return ask("SET ROLE bob; SELECT outcome FROM retail.release_settlement($order, $first)") eq 'frozen'
		  && ask("SET ROLE bob; SELECT outcome FROM retail.release_settlement($order, $second)") eq 'released';
	}, '_follow_holds', 'h.released_at IS NULL) AS held', 'h.released_at IS NULL AND false) AS held'),
	sql_rule('settled_later', 'a receipt that is settled after the scan', sub {
		my $code = fresh();

		force_price($code, 150, '2031-05-01');
		scan('2031-05-01', 'found');
		settled($code, 150);
		return ask("SELECT status FROM retail_bi.settlement WHERE order_ref = 'T-$code'") eq 'frozen';
	}, 'settle', 'WHERE z.settlement_order_id = this_id', 'WHERE false'),
	sql_rule('settled_before', 'a receipt that was settled before the scan', sub {
		my $code = fresh();

		force_price($code, 150, '2031-05-01');
		settled($code, 150);
		scan('2031-05-01', 'found');
		return ask("SELECT status FROM retail_bi.settlement WHERE order_ref = 'T-$code'") eq 'frozen';
	}, 'scan_prices', 'PERFORM retail._follow_holds(held);', ''),
	sql_rule('closed_reversal', 'a reversed settlement that was closed is reversed again', sub {
		my $order = settled(fresh(), 100);

		ask("SELECT outcome FROM retail.reverse_settlement($order, 'x'); SELECT outcome FROM retail.close_settlement($order)");
		return ask("SELECT outcome FROM retail.reverse_settlement($order, 'x')") eq 'reversed';
	}, 'reverse_settlement', 'ELSIF s.reason IS NOT NULL THEN', 'ELSIF false THEN'),
	sql_rule('scan_again', 'a second scan of the same day', sub {
		force_price(fresh(), 150, '2031-05-01');
		return scan('2031-05-01', 'news') > 0 && scan('2031-05-01', 'news') == 0;
	}, 'scan_prices', 's.alert_id IS NULL OR', 'true OR'),
	sql_rule('scan_lapses_held', 'an alert that holds an order and is not found any more', sub {
		my $code = fresh();

		force_price($code, 150, '2031-05-01');
		settled($code, 150);
		scan('2031-05-01', 'found');
		clock('2031-05-02 10:00:00+00');
		scan('2031-05-02', 'found');
		return status_of_alert($code) eq 'open';
	}, 'scan_prices', 'AND NOT EXISTS (SELECT FROM retail.settlement_hold h WHERE h.alert_id = a.id AND h.released_at IS NULL)', ''),
	sql_rule('scan_ahead', 'a look at tomorrow, when today is wrong', sub {
		my $code = fresh();

		force_price($code, 150, '2031-05-01');
		scan('2031-05-01', 'found');
		scan('2031-05-02', 'found');
		return status_of_alert($code) eq 'open';
	}, 'scan_prices', ' AND retail._has_begun(business_date, a.location_id, time_zone, at)', ''),
	sql_rule('scan_old_news', 'a day that was looked at ahead', sub {
		my $code = fresh();

		force_price($code, 150, '2031-05-02');
		scan('2031-05-02', 'found');
		ask("SET ROLE bob; SELECT (retail.resolve_alert(id)).outcome FROM retail.price_alert WHERE rule = 'R1' AND sku_id = sku('$code')");
		return 0 if status_of_alert($code) ne 'resolved';
		clock('2031-05-02 10:00:00+00');
		scan('2031-05-02', 'found');
		return status_of_alert($code) eq 'open';
	}, 'scan_prices', 'OR retail._has_begun(business_date, f.location_id, time_zone, at)', 'OR false'),
	sql_rule('promised_too_long', 'an order by a frozen quote that has expired', sub {
		my $code = fresh();
		my $quote = frozen($code);

		ask(set_price($code, 105));
		clock('2031-05-01 10:20:00+00');
		return ask(order_by($code, 1, $quote)) eq 'price_changed|100.00';
	}, '_price_order', 'in_time := q.expires_at > at;', 'in_time := true;'),
	sql_rule('promise_broken', 'a price that rises after it was promised', sub {
		my $code = fresh();
		my $quote = frozen($code);

		ask(set_price($code, 105));
		return ask(order_by($code, 1, $quote)) eq 'placed|100.00';
	}, '_price_order', 'in_time := q.expires_at > at;', 'in_time := false;'),
	sql_rule('promise_kept_high', 'a price that falls after it was promised', sub {
		my $code = fresh();
		my $quote = frozen($code);

		ask(set_price($code, 95));
		return ask(order_by($code, 1, $quote)) eq 'placed|95.00';
	}, '_price_order', 'coalesce(line.price >= line.unit_price, true)', 'true'),
	sql_rule('paid_too_little', 'a payment of a fen less', sub {
		my $code = fresh();

		ask(order_by($code, 1, frozen($code)));
		return ask("SELECT outcome FROM retail.confirm_order('app', '$code-1', NULL, 99.99, 'CNY')") eq 'wrong_amount'
		  && ask("SELECT outcome FROM retail.confirm_order('app', '$code-1', NULL, 100, 'CNY')") eq 'confirmed';
	}, 'confirm_order', 'ELSIF (paid, paid_currency) IS DISTINCT FROM (costs.due, costs.currency)', 'ELSIF false'),
	sql_rule('file_of_another', 'a price file brought in the name of another', sub {
		my $code = fresh();
		return ask("SET ROLE bob; INSERT INTO retail.price_import (sku, amount, actor) VALUES ('$code', '100', 'alice')") eq '42501';
	}, '_guard_price_import', 'IF other IS NOT NULL AND', 'IF false AND'),
);

try_rules(sub { switch_off($_[0][0], $_[1]) }, @rules);
try_rules(sub { without(@{ $_[0] }[ 3 .. 5 ], $_[1]) }, @sql_rules);
end_mutation();
