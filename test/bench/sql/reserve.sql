SELECT * FROM retail.reserve(:sku, :location, 1, 'app');
