-- A stream's row is written anew for as long as it runs, an activity's for as long as the same is decided. Room in the page lets
-- the row stay in it, and its indexes as they are: of a stream's updates 94 % instead of 14 %.
ALTER TABLE "stream" SET (fillfactor = 50);
ALTER TABLE "scaling_activity" SET (fillfactor = 80);
