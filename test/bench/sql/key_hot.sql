-- one hot key
\set sku 1
\set location 1
