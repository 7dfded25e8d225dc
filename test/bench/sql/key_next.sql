-- the next key after :k, of :locations locations, from SKU :first_sku on
\set sku :first_sku + :k / :locations
\set location 1 + :k % :locations
\set k :k + 1
