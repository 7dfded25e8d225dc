-- a session's day: look, hold, let go or buy, ask for what is sold out
SELECT retail.available(:sku, :location, 'app');
SELECT * FROM retail.reserve('1', '1', 1, 'app');
SELECT reservation_id FROM retail.reserve(:sku, :location, 1, 'app') \gset
SELECT * FROM retail.release(:reservation_id);
SELECT * FROM retail.reserve('1000', '1', 1, 'app');
