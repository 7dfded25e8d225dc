-- A chain in Hangzhou: three channels, 60 stores, 3 warehouses, 100 products
-- in three sizes each.  Everything follows from the seed.

SET TimeZone = 'Asia/Shanghai';

CREATE TABLE demo.calendar AS
SELECT timestamptz '2025-11-11 00:00+08' AS midnight;   -- the day the demo tells of

-- What the live stream sells at 20:00.
INSERT INTO demo.flash VALUES ('RICE-10-5KG', 'W02', 500);

INSERT INTO retail.channel (code, name, kind, hold_ttl) VALUES
    ('shop', 'Shops and tills', 'store', NULL),
    ('miniapp', 'Mini-program, collect in a store', 'online', interval '15 minutes'),
    ('live', 'Live stream', 'online', interval '5 minutes');

-- Stores lie around the centres of the city's districts, by size of the
-- district; a store's own size says how many shoppers it sees.
CREATE TABLE demo.district (
    name      text PRIMARY KEY,
    longitude float8 NOT NULL,
    latitude  float8 NOT NULL,
    stores    integer NOT NULL
);
INSERT INTO demo.district VALUES
    ('Shangcheng', 120.197, 30.250, 12),
    ('Gongshu', 120.142, 30.320, 10),
    ('Xihu', 120.130, 30.260, 10),
    ('Binjiang', 120.212, 30.208, 8),
    ('Xiaoshan', 120.264, 30.184, 8),
    ('Yuhang', 120.010, 30.280, 6),
    ('Linping', 120.299, 30.419, 4),
    ('Qiantang', 120.494, 30.323, 2);

WITH site AS (
    SELECT row_number() OVER (ORDER BY d.stores DESC, d.name, k) AS number, d.*, k
    FROM demo.district AS d, generate_series(1, d.stores) AS k
)
INSERT INTO retail.location (code, name, kind, longitude, latitude, time_zone, opening_hours, services)
SELECT format('S%s', lpad(number::text, 3, '0')),
       format('%s store %s', name, k),
       'store',
       round((longitude + (demo.draw(format('store %s east', number)) - 0.5) * 0.08)::numeric, 5),
       round((latitude + (demo.draw(format('store %s north', number)) - 0.5) * 0.06)::numeric, 5),
       'Asia/Shanghai',
       (SELECT jsonb_object_agg(day, '[["07:00", "22:30"]]'::jsonb) FROM unnest('{mon,tue,wed,thu,fri,sat,sun}'::text[]) AS day),
       '{pickup}'
FROM site;

-- The third point was read off a Chinese map, so it comes in that map's datum.
INSERT INTO retail.location (code, name, kind, longitude, latitude, datum, time_zone, services) VALUES
    ('W01', 'Regional warehouse Xiaoshan', 'warehouse', 120.4320, 30.2360, 'WGS-84', 'Asia/Shanghai', '{same_day}'),
    ('W02', 'E-commerce warehouse Yuhang', 'warehouse', 119.9530, 30.3890, 'WGS-84', 'Asia/Shanghai', '{express,same_day}'),
    ('W03', 'Chilled warehouse Linping', 'warehouse', 120.2890, 30.4350, 'GCJ-02', 'Asia/Shanghai', '{same_day}');

CREATE TABLE demo.range (
    category        text PRIMARY KEY,
    noun            text NOT NULL,
    kinds           text[] NOT NULL,
    sizes           text[] NOT NULL,
    shelf_life_days integer
);
INSERT INTO demo.range VALUES
    ('RICE', 'rice', '{Northeast,Jasmine,Sticky,Brown,Black,Mixed-grain,Sushi,Basmati,Organic,New-harvest}', '{1KG,5KG,10KG}', NULL),
    ('NOOD', 'noodles', '{Wheat,Egg,Rice-flour,Buckwheat,Spinach,Knife-cut,Glass,Udon,Instant-beef,Instant-mushroom}', '{400G,1KG,5PACK}', NULL),
    ('OIL', 'oil', '{Rapeseed,Peanut,Soybean,Sunflower,Corn,Sesame,Olive,Camellia,Rice-bran,Blended}', '{500ML,1L,5L}', NULL),
    ('MILK', 'milk', '{Whole,Skimmed,Low-fat,Lactose-free,High-calcium,Goat,Barista,Children''s,Organic,Breakfast}', '{250ML,1L,6PACK}', 7),
    ('YOGU', 'yoghurt', '{Plain,Strawberry,Peach,Blueberry,Mango,Coconut,Oat,Red-date,Greek,Drinking}', '{150G,4PACK,1KG}', 14),
    ('BREA', 'bread', '{Toast,Milk,Walnut,Raisin,Red-bean,Rye,Butter,Coconut,Cheese,Whole-grain}', '{PIECE,4PACK,LOAF}', 3),
    ('TEA', 'tea', '{Longjing,Jasmine,Oolong,Pu-er,White,Black,Chrysanthemum,Buckwheat,Osmanthus,Biluochun}', '{50G,100G,250G}', NULL),
    ('DRIN', 'drink', '{Water,Soda-water,Lemon,Plum,Coconut,Soya,Herbal,Peach,Orange,Cola}', '{330ML,500ML,1.5L}', NULL),
    ('SNAC', 'snack', '{Peanut,Sunflower-seed,Seaweed,Rice-cracker,Potato,Shrimp,Cashew,Almond,Hawthorn,Sesame}', '{40G,100G,250G}', NULL),
    ('HOME', 'household', '{Tissue,Kitchen-roll,Soap,Detergent,Toothpaste,Shampoo,Sponge,Foil,Bin-bag,Candle}', '{SMALL,MEDIUM,LARGE}', NULL);

INSERT INTO retail.product (code, name, brand, category)
SELECT format('%s-%s', category, lpad(k::text, 2, '0')),
       format('%s %s', replace(kind, '-', ' '), noun),
       (ARRAY['Qingshan', 'Baihe', 'Nanfeng', 'Xihe'])[demo.pick(format('brand %s %s', category, k), 4)],
       category
FROM demo.range, unnest(kinds) WITH ORDINALITY AS u (kind, k)
ORDER BY category, k;

INSERT INTO retail.sku (code, name, product_id, unit, specs, shelf_life_days, lot_tracked)
SELECT format('%s-%s', p.code, size),
       format('%s, %s', p.name, lower(size)),
       p.id,
       'piece',
       jsonb_build_object('size', size),
       r.shelf_life_days,
       r.shelf_life_days IS NOT NULL
FROM retail.product AS p
JOIN demo.range AS r USING (category)
CROSS JOIN unnest(r.sizes) AS size
ORDER BY p.code, size;

-- Walk-in customers keep two of everything in a store; the rest may be sold
-- through the mini-program.  A warehouse has no walk-ins.
INSERT INTO retail.safety_stock (channel_id, qty)
SELECT id, 2
FROM retail.channel
WHERE code = 'miniapp';
INSERT INTO retail.safety_stock (location_id, channel_id, qty)
SELECT l.id, c.id, 0
FROM retail.location AS l, retail.channel AS c
WHERE l.kind = 'warehouse' AND c.code = 'miniapp';

-- What each store carries, best-seller first.
CREATE TABLE demo.shelf (
    location text NOT NULL,
    rank     integer NOT NULL,
    sku      text NOT NULL,
    PRIMARY KEY (location, rank)
);
INSERT INTO demo.shelf
SELECT l.code,
       row_number() OVER (PARTITION BY l.code ORDER BY demo.draw('appeal ' || s.code) + 0.3 * demo.draw(format('taste %s %s', l.code, s.code))),
       s.code
FROM retail.location AS l, retail.sku AS s
WHERE l.kind = 'store' AND demo.draw(format('carries %s %s', l.code, s.code)) < 0.7;
ANALYZE demo.shelf;
