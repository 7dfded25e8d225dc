-- Where the files land as they are, before anybody judges them.

CREATE UNLOGGED TABLE demo.point (
    id integer, name text, street text, city text, state text, zip text, latitude float8, longitude float8,
    phone text, state_name text, brand text, updated date
);
CREATE UNLOGGED TABLE demo.article (
    product_id text, manufacturer_id text, department text, brand text, product_category text, product_type text,
    package_size text
);
CREATE UNLOGGED TABLE demo.till_line (
    household_id text, store_id integer, basket_id numeric, product_id text, quantity numeric, sales_value numeric,
    retail_disc numeric, coupon_disc numeric, coupon_match_disc numeric, week integer, transaction_timestamp timestamp
);
