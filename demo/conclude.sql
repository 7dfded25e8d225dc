-- The last claims, all claims, and how long it took.  The exit status says
-- whether the claims hold.

\ir layout.sql

INSERT INTO demo.checked (claim, wanted, found)
SELECT 'sold-out flags that contradict the stock', 0, count(*)
FROM demo.wrong_flag;

-- verify() reads every stock, reservation, movement and order anew.
\set began `date +%s.%N`
INSERT INTO demo.checked (claim, wanted, found)
SELECT 'rows of retail.verify()', 0, count(*)
FROM retail.verify();
\set ended `date +%s.%N`
INSERT INTO demo.timing (phase, seconds) SELECT 'verify()', :ended - :began;

\pset title 'Does it add up?'
SELECT claim, wanted, found, CASE WHEN holds THEN 'yes' ELSE 'NO' END AS holds
FROM demo.checked
ORDER BY id;

\pset title 'SELECT * FROM retail.verify()'
\pset footer on
SELECT *
FROM retail.verify();
\pset footer off

\pset title 'How long it took'
SELECT t.phase, round(t.seconds, 1) AS seconds, c.calls AS calls, CASE WHEN c.calls >= 100 THEN round(c.calls / t.seconds) END AS "calls per second"
FROM demo.timing AS t
LEFT JOIN (SELECT phase, sum(calls) AS calls FROM demo.tally GROUP BY phase) AS c USING (phase)
ORDER BY t.id;

CALL demo.conclude();
