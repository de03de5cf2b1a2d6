-- CreateTable
CREATE TABLE "node_life" (
    "uid" TEXT NOT NULL,
    "namespace" TEXT NOT NULL,
    "group" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "region" TEXT NOT NULL,
    "platform" TEXT NOT NULL,
    "provider_id" TEXT,
    "opened_at" TIMESTAMPTZ(3) NOT NULL,
    "closed_at" TIMESTAMPTZ(3),
    "close_reason" TEXT,

    CONSTRAINT "node_life_pkey" PRIMARY KEY ("uid")
);

-- CreateTable
CREATE TABLE "node_transition" (
    "life_uid" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "phase" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "sequence" BIGSERIAL NOT NULL,

    CONSTRAINT "node_transition_pkey" PRIMARY KEY ("life_uid","at","phase")
);

-- CreateTable
CREATE TABLE "stream" (
    "id" BIGSERIAL NOT NULL,
    "namespace" TEXT NOT NULL,
    "group" TEXT NOT NULL,
    "scope" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "node_uid" TEXT NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "last_seen_at" TIMESTAMPTZ(3) NOT NULL,
    "ended_at" TIMESTAMPTZ(3),
    "peak_subscribers" INTEGER NOT NULL,

    CONSTRAINT "stream_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "load_minute" (
    "namespace" TEXT NOT NULL,
    "group" TEXT NOT NULL,
    "minute" TIMESTAMPTZ(3) NOT NULL,
    "role" TEXT NOT NULL,
    "region" TEXT NOT NULL,
    "samples" INTEGER NOT NULL,
    "connections_sum" BIGINT NOT NULL,
    "connections_max" INTEGER NOT NULL,
    "publishers_sum" BIGINT NOT NULL,
    "subscribers_sum" BIGINT NOT NULL,

    CONSTRAINT "load_minute_pkey" PRIMARY KEY ("namespace","group","minute","role","region")
);

-- CreateTable
CREATE TABLE "scaling_activity" (
    "namespace" TEXT NOT NULL,
    "group" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "region" TEXT NOT NULL,
    "number" INTEGER NOT NULL,
    "kind" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "message" TEXT NOT NULL,
    "decider_version" INTEGER NOT NULL,
    "input" JSONB NOT NULL,
    "first_at" TIMESTAMPTZ(3) NOT NULL,
    "last_at" TIMESTAMPTZ(3) NOT NULL,
    "count" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "scaling_activity_pkey" PRIMARY KEY ("namespace","group","role","region","number")
);

-- CreateIndex
CREATE INDEX "node_life_open" ON "node_life"("namespace", "group", "opened_at") WHERE ("closed_at" IS NULL);

-- CreateIndex
CREATE INDEX "stream_live" ON "stream"("namespace", "group", "scope", "name") WHERE ("ended_at" IS NULL);

-- CreateIndex
CREATE UNIQUE INDEX "stream_open_on_node" ON "stream"("node_uid", "scope", "name") WHERE ("ended_at" IS NULL);

-- CreateIndex
CREATE INDEX "load_minute_minute_idx" ON "load_minute"("minute");

-- CreateIndex
CREATE INDEX "scaling_activity_namespace_group_first_at_idx" ON "scaling_activity"("namespace", "group", "first_at");

-- CreateIndex
CREATE INDEX "scaling_activity_first_at_idx" ON "scaling_activity"("first_at");

-- AddForeignKey
ALTER TABLE "node_transition" ADD CONSTRAINT "node_transition_life_uid_fkey" FOREIGN KEY ("life_uid") REFERENCES "node_life"("uid") ON DELETE CASCADE ON UPDATE CASCADE;


