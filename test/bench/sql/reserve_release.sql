SELECT reservation_id FROM retail.reserve(:sku, :location, 1, 'app') \gset
SELECT * FROM retail.release(:reservation_id);
