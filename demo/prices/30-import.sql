-- The stores' file, which is not all of a piece: what can be is written.

SET ROLE head_office;
INSERT INTO demo.import_answer
SELECT * FROM retail.import_prices(mode => 'best_effort');
RESET ROLE;
ANALYZE retail.price, retail.base_price, retail.price_event, retail.outbox, retail.price_guard;
