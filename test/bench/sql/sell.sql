SELECT * FROM retail.sell(:sku, :location, 1, 'app');
