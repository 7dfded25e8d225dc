-- a key of :skus x :locations, uniform
\set sku random(1, :skus)
\set location random(1, :locations)
